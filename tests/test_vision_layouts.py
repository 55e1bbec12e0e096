"""Data sets in the layouts in which they are handed out: found, read picture by picture, and refused by name."""

import csv
import shutil
import zlib

import numpy as np
import pytest
from PIL import Image

from detection.vision.data import DataError, balanced, check_pictures, load_split, measured_split
from detection.vision.layouts import find_layout
from emotune.emotions import EMOTIONS
from tests.vision_files import write_faces

HEADER = "emotion,pixels,Usage"


def face(seed):
    return np.random.default_rng(seed).integers(0, 256, (48, 48), np.uint8)


def write_picture(path, seed=0, size=48):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(face(seed)).resize((size, size)).save(path)
    return path


def write_fer2013(folder, usages=("Training", "PublicTest", "PrivateTest"), header=HEADER):
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        f"{label},{' '.join(map(str, face(10 * i + label).ravel()))},{usage}"
        for i, usage in enumerate(usages)
        for label in range(7)
    ]
    (folder / "fer2013.csv").write_text("\n".join([header, *rows]) + "\n")
    return folder


def write_affectnet(folder, per_class=2):
    for split in ("train_set", "val_set"):
        (folder / split / "annotations").mkdir(parents=True)
        for i in range(8 * per_class):
            write_picture(folder / split / "images" / f"{i}.jpg", i, 96)
            np.save(folder / split / "annotations" / f"{i}_exp.npy", str(i % 8))
            np.save(folder / split / "annotations" / f"{i}_val.npy", "0.5")
    return folder


def write_raf_db(folder):
    lines = []
    for split in ("train", "test"):
        for i in range(14):
            write_picture(folder / f"basic/Image/aligned/{split}_{i:05d}_aligned.jpg", i, 100)
            lines.append(f"{split}_{i:05d}.jpg {i % 7 + 1}")
    (folder / "basic/EmoLabel").mkdir(parents=True)
    (folder / "basic/EmoLabel/list_patition_label.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_kaggles_csv_is_read_row_by_row(tmp_path):
    folder = write_fer2013(tmp_path)
    for path in (folder, folder / "fer2013.csv"):
        index = find_layout(path)
        assert (index.layout, list(index.splits)) == ("fer2013-csv", ["train", "public_test", "private_test"])
        split = load_split(path, "public_test")
        assert split.labels.tolist() == list(range(7))
        assert (split.pictures([3])[0] == face(13)).all()
        assert (split.photograph(3)[..., 1] == face(13)).all()
        assert np.isnan(split.votes).all()
    assert measured_split(folder) == "public_test"


def test_votes_beside_the_csv_belong_to_its_rows(tmp_path):
    folder = write_fer2013(tmp_path, usages=("Training", "PublicTest"))
    columns = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    usages = ["Training"] * 7 + ["PublicTest"] * 7
    rows = [f"{usage},fer{i:07d}.png,{10 - i % 7},{i % 7},0,0,0,0,0,0,0,0" for i, usage in enumerate(usages)]
    votes = folder / "fer2013new.csv"
    votes.write_text("\n".join([columns, *rows]))
    assert load_split(folder, "public_test").votes[2].tolist() == pytest.approx([0, 0, 0, 0.2, 0, 0, 0.8])
    nameless = [row.partition(",")[2] for row in (columns, *rows)]
    votes.write_text("\n".join(nameless))
    assert load_split(folder, "public_test").votes[2].tolist() == pytest.approx([0, 0, 0, 0.2, 0, 0, 0.8])
    for wrong, said in (
        (rows[:-1], r"has 13 rows instead of the 14 of fer2013\.csv"),
        ([*rows, rows[-1]], r"has 15 rows instead of the 14 of fer2013\.csv"),
        ([rows[-1], *rows[1:-1], rows[0]], r"line 2 is of 'PublicTest', and line 2 of fer2013\.csv is of Training"),
    ):
        votes.write_text("\n".join([columns, *wrong]))
        with pytest.raises(DataError, match=said) as error:
            load_split(folder, "public_test")
        assert str(votes) in str(error.value)


def test_empty_lines_of_the_csv_are_passed_over(tmp_path):
    folder = write_fer2013(tmp_path)
    before = load_split(folder, "private_test")
    faces = before.pictures(range(7))
    lines = (folder / "fer2013.csv").read_text().splitlines()
    (folder / "fer2013.csv").write_text("\r\n".join([*lines[:3], "", *lines[3:], "", "", ""]))
    after = load_split(folder, "private_test")
    assert after.labels.tolist() == before.labels.tolist()
    assert (after.pictures(range(7)) == faces).all()
    columns = "neutral,happiness,surprise,sadness,anger,disgust,fear"
    (folder / "fer2013new.csv").write_text("\n".join([columns, *["1,0,0,0,0,0,0"] * 20, "0,1,0,0,0,0,0"]))
    assert load_split(folder, "private_test").votes.argmax(axis=1).tolist() == [6] * 6 + [3]


def test_an_emotion_without_a_row_in_the_csv_is_named(tmp_path):
    file = write_fer2013(tmp_path) / "fer2013.csv"
    file.write_text(
        "\n".join(row for row in file.read_text().splitlines() if not row.startswith("1,") or "Public" in row)
    )
    assert len(load_split(file, "public_test")) == 7
    with pytest.raises(DataError, match=r"fer2013\.csv: no row of train shows disgust"):
        load_split(file, "train")


def test_the_other_release_of_the_csv_reads_alike(tmp_path):
    folder = write_fer2013(tmp_path, usages=("Training",))
    lines = (folder / "fer2013.csv").read_text().splitlines()[1:]
    swapped = [f"{e}, {usage}, {pixels}" for e, pixels, usage in (line.split(",") for line in lines)]
    other = tmp_path / "icml_face_data.csv"
    other.write_text("\n".join(["emotion, Usage, pixels", *swapped]))
    assert (load_split(other, "train").pictures(range(7)) == load_split(folder, "train").pictures(range(7))).all()


@pytest.mark.parametrize(
    ("header", "first", "said"),
    [
        ("label,text", "0,hello", "line 1 lacks the columns emotion, pixels, usage"),
        (HEADER, "0,1 2 3", "line 2 has 2 columns instead of 3"),
        (HEADER, "9,1 2 3,Training", "line 2 has emotion '9'"),
        (HEADER, "0,1 2 3,Holiday", "line 2 has emotion '0' and usage 'Holiday'"),
    ],
)
def test_a_csv_of_another_data_set_is_named_with_its_line(tmp_path, header, first, said):
    file = tmp_path / "fer2013.csv"
    file.write_text(f"{header}\n{first}\n")
    with pytest.raises(DataError) as error:
        find_layout(file)
    assert str(file) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("pixels", ["1 2 3", " ".join(["300"] * 2304), " ".join(["x"] * 2304), ""])
def test_a_row_without_a_whole_picture_is_named_with_its_line(tmp_path, pixels):
    file = write_fer2013(tmp_path, usages=("Training",)) / "fer2013.csv"
    with file.open("a") as out:
        out.write(f"3,{pixels},Training\n")
    with pytest.raises(DataError, match=r"fer2013\.csv: line 9 does not hold 2304 pixels"):
        check_pictures(load_split(file, "train"), lambda _: None)


def test_affectnets_annotations_are_read_and_contempt_is_left_out(tmp_path):
    folder = write_affectnet(tmp_path / "AffectNet")
    split = load_split(folder, "test")
    assert split.layout == "affectnet"
    assert len(split) == 14
    by_name = dict(zip(split.names, split.labels.tolist(), strict=True))
    assert EMOTIONS[by_name["val_set/images/0.jpg"]] == "neutral"
    assert EMOTIONS[by_name["val_set/images/14.jpg"]] == "angry"
    assert "val_set/images/7.jpg" not in by_name
    assert split.pictures([0]).shape == (1, 48, 48)
    assert split.photograph(0).shape == (96, 96, 3)
    assert measured_split(folder) == "test"


def test_affectnets_tables_are_read(tmp_path):
    for table in ("training.csv", "validation.csv"):
        with (tmp_path / table).open("w") as out:
            writer = csv.writer(out)
            writer.writerow(["subDirectory_filePath", "face_x", "expression", "valence", "arousal"])
            for i in range(11):
                write_picture(tmp_path / f"Manually_Annotated_Images/{i}/{table[0]}{i}.jpg", i)
                writer.writerow([f"{i}/{table[0]}{i}.jpg", 0, i, 0, 0])
    split = load_split(tmp_path, "train")
    assert len(split) == 7
    assert [EMOTIONS[label] for label in split.labels][:2] == ["angry", "disgust"]
    assert split.names[0] == "Manually_Annotated_Images/6/t6.jpg"
    with (tmp_path / "training.csv").open("a") as out:
        out.write("1/t1.jpg,0\n")
    with pytest.raises(DataError, match=r"line 13 of training\.csv is cut off") as error:
        load_split(tmp_path, "train")
    assert str(tmp_path) in str(error.value)
    shutil.rmtree(tmp_path / "Manually_Annotated_Images/3")
    with pytest.raises(DataError, match=r"line 5 of validation\.csv"):
        load_split(tmp_path, "test")


def test_a_folder_for_each_number_is_affectnets_or_raf_dbs(tmp_path):
    for i in range(8):
        write_picture(tmp_path / "affectnet/val" / str(i) / "a.jpg", i)
    for i in range(1, 8):
        write_picture(tmp_path / "raf/test" / str(i) / "a.jpg", i)
    affectnet, raf = load_split(tmp_path / "affectnet", "test"), load_split(tmp_path / "raf", "test")
    assert (affectnet.layout, raf.layout) == ("affectnet", "raf-db")
    assert affectnet.names[EMOTIONS.index("happy")] == "val/1/a.jpg"
    assert raf.names[EMOTIONS.index("happy")] == "test/4/a.jpg"
    (tmp_path / "raf/test/3/a.jpg").unlink()
    with pytest.raises(DataError, match="test/3"):
        load_split(tmp_path / "raf", "test", "raf-db")


def test_raf_dbs_list_is_read(tmp_path):
    folder = write_raf_db(tmp_path / "RAF-DB")
    split = load_split(folder, "train")
    assert split.layout == "raf-db"
    assert len(split) == 14
    assert split.names[split.labels.tolist().index(EMOTIONS.index("surprise"))].endswith("train_00000_aligned.jpg")
    listed = folder / "basic/EmoLabel/list_patition_label.txt"
    listed.write_text(listed.read_text() + "train_99999.jpg 1\n")
    with pytest.raises(DataError, match=r"line 29 .* train_99999\.jpg"):
        load_split(folder, "train")
    listed.write_text("happy\n")
    with pytest.raises(DataError, match="line 1"):
        load_split(folder, "train")


def test_a_folder_for_each_emotion_has_a_tenth_that_is_always_the_test(tmp_path):
    write_faces(tmp_path / "faces", {"": 20})
    every, train, test = (load_split(tmp_path / "faces", name) for name in ("all", "train", "test"))
    assert len(every) == 140
    assert sorted(train.names + test.names) == sorted(every.names)
    assert 2 <= len(test) <= 30
    assert load_split(tmp_path / "faces", "test").names == test.names
    assert measured_split(tmp_path / "faces") == "test"


@pytest.mark.parametrize(("is_test", "part"), [(True, "train"), (False, "test")])
def test_a_part_that_no_picture_was_drawn_for_says_how_many_it_takes(tmp_path, is_test, part):
    for emotion in EMOTIONS:
        names = (f"{emotion}/{i}.png" for i in range(1000))
        name = next(name for name in names if (zlib.crc32(name.encode()) % 1000 < 100) == is_test)
        write_picture(tmp_path / name)
    assert len(load_split(tmp_path, "all")) == 7
    with pytest.raises(DataError, match=f"none of its 7 pictures was drawn .* for {part}; give 70 or more") as error:
        load_split(tmp_path, part)
    assert str(tmp_path) in str(error.value)


def test_emotions_and_splits_go_by_the_words_that_data_sets_use(tmp_path):
    words = ("Anger", "disgust", "Fear", "Happiness", "Sadness", "Surprise", "Neutral", "Contempt")
    for word in words:
        write_picture(tmp_path / "set" / "Train" / word / "a.png")
        write_picture(tmp_path / "set" / "Validation" / word / "a.png")
    index = find_layout(tmp_path)
    assert list(index.splits) == ["train", "test"]
    assert len(index.splits["test"]()) == 7
    shutil.copytree(tmp_path / "set" / "Train", tmp_path / "other" / "Train")
    with pytest.raises(DataError, match="keep one of them"):
        find_layout(tmp_path)


@pytest.mark.parametrize("suffix", [".webp", ".bmp", ".gif", ".ppm", ".PGM", ".tif", ".tiff"])
def test_pictures_of_every_kind_that_can_be_decoded_are_found(tmp_path, suffix):
    for i, emotion in enumerate(EMOTIONS):
        write_picture(tmp_path / "train" / emotion / f"a{suffix}", i)
    split = load_split(tmp_path, "train")
    assert len(split) == 7
    check_pictures(split, lambda _: None)


def test_what_is_missing_is_named(tmp_path):
    folder = write_affectnet(tmp_path / "AffectNet", per_class=1)
    with pytest.raises(DataError, match="has no split public_test; it has train, test"):
        load_split(folder, "public_test")
    (folder / "val_set/images/2.jpg").unlink()
    with pytest.raises(DataError, match=r"val_set/annotations/2_exp\.npy has no picture"):
        load_split(folder, "test")
    (folder / "val_set/annotations/2_exp.npy").unlink()
    with pytest.raises(DataError, match="no picture of sad"):
        load_split(folder, "test")
    (folder / "val_set/annotations/3_exp.npy").write_bytes(b"broken")
    with pytest.raises(DataError, match=r"3_exp\.npy is no NumPy file"):
        load_split(folder, "test")
    (tmp_path / "empty").mkdir()
    for layout in (None, "folders", "affectnet", "raf-db", "fer2013-csv"):
        with pytest.raises(DataError, match="empty"):
            find_layout(tmp_path / "empty", layout)
    with pytest.raises(DataError, match="nowhere"):
        find_layout(tmp_path / "nowhere")


def test_as_many_pictures_of_each_emotion_are_drawn(tmp_path):
    every = load_split(write_faces(tmp_path / "faces", {"": 9}), "all")
    drawn = balanced(every, 4)
    assert np.bincount(drawn.labels).tolist() == [4] * 7
    assert drawn.names == balanced(every, 4).names != balanced(every, 4, seed=1).names
    assert len(balanced(every, 50)) == 63
