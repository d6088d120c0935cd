"""What a learner has done is kept in a plain file, and never gets in the way of a lesson."""

import json

from k8snb.course.progress import FILE, Progress


def test_it_is_written_where_the_course_folder_has_its_file(tmp_path):
    (tmp_path / FILE).write_text("{}")
    (tmp_path / "en").mkdir()
    Progress(tmp_path / "en").note("01.declare", passed=True)
    assert json.loads((tmp_path / FILE).read_text()) == {"01.declare": "passed"}


def test_a_chapter_that_is_run_elsewhere_leaves_nothing_behind(tmp_path):
    progress = Progress(tmp_path)
    progress.note("01.declare", passed=True)
    assert progress.passed() == ("01.declare",)
    assert list(tmp_path.iterdir()) == []


def test_passed_once_stays_passed(tmp_path):
    (tmp_path / FILE).write_text("{}")
    progress = Progress(tmp_path)
    progress.note("01.declare", passed=False)
    assert progress.passed() == ()
    progress.note("01.declare", passed=True)
    progress.note("01.declare", passed=False)
    assert Progress(tmp_path).passed() == ("01.declare",)


def test_two_chapters_share_one_file(tmp_path):
    (tmp_path / FILE).write_text("{}")
    first, second = Progress(tmp_path), Progress(tmp_path)
    first.note("01.declare", passed=True)
    second.note("02.order", passed=True)
    assert Progress(tmp_path).passed() == ("01.declare", "02.order")


def test_a_spoilt_file_counts_as_empty(tmp_path):
    for spoilt in ("not json", "[1, 2]", '"x"'):
        (tmp_path / FILE).write_text(spoilt)
        assert Progress(tmp_path).passed() == ()
