"""Claims of the paper with their tables, the measurement of each kind of claim, and the rules of the verdicts.

Also the reference runs that ship with the library, and the evidence that would settle an open claim.
"""

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
