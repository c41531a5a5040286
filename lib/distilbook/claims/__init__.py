"""The paper's claims, its figures, and the rules that judge them: the one place of numbers typed by hand."""

from .paper import CLAIMS, TABLE_1, TABLE_1_REMARK, TABLE_2, TABLE_3, TABLE_3_REMARK, TABLE_4, Claim, claim
from .verdict import Judgement, Verdict, judge

__all__ = [
    "CLAIMS",
    "TABLE_1",
    "TABLE_1_REMARK",
    "TABLE_2",
    "TABLE_3",
    "TABLE_3_REMARK",
    "TABLE_4",
    "Claim",
    "Judgement",
    "Verdict",
    "claim",
    "judge",
]
