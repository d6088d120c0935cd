"""What is seen: pictures, stories and the live view, as data and text out of a snapshot and the trace. Views never write.

    graph     a picture as a value: text tree, SVG, DOT, data      (layout, svg, tree, states, summary)
    builders  who owns whom, where traffic goes                    (of a snapshot)
    flows     requests between components, causes                  (of trace records)
    why       from a state back to the users' requests             timeline  lives of pods as bars
    live      the live view: frames and patches                    inspect   an object closely
    window    reads a running simulation for all of them
"""
