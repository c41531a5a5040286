import shutil

import pytest


@pytest.fixture
def model(teacher_folder, tmp_path):
    """A copy of the tiny teacher, to be damaged."""
    return shutil.copytree(teacher_folder, tmp_path / "model")


@pytest.fixture
def student(student_model, tmp_path):
    """A copy of the tiny student, to be damaged."""
    return shutil.copytree(student_model, tmp_path / "student")


@pytest.fixture(scope="session")
def student_model(teacher_folder, pretrain_values, tmp_path_factory):
    """The folder of a student of the tiny teacher."""
    from distilbook.distillation.student import build_student
    from distilbook.models.loading import load_teacher, load_tokenizer
    from distilbook.models.tokenizer import save_tokenizer
    from distilbook.pretraining.pretrain import PretrainConfig

    folder = tmp_path_factory.mktemp("student") / "model"
    recipe = PretrainConfig(**pretrain_values).recipe
    build_student(load_teacher(teacher_folder, new_head=False), recipe, dropout=0.1, seed=0).save_pretrained(folder)
    save_tokenizer(load_tokenizer(teacher_folder), folder)
    return folder
