"""Between a learner's code and ours: what is handed in is checked, what is to run is judged, and what runs ends and breaks nothing."""
