"""What each stage bought: how good a linear probe gets on the table with the stage and without.

In: the tables of a night, the embeddings of their rows. Out: a `Measurement` a stage, of two kinds.

- **On train rows**, by cross-validation, right after a stage: the table that it handed on against the one that it was
  handed (`measure_on_train_rows`). It decides whether a stage with `when = "auto"` is left out of what follows.
- **On gold rows**, at the end of a night: the last table against the same without what one stage set
  (`measure_on_gold`). It is for the reader, and decides nothing.

The probe is the one by which tilth compares data sets everywhere (`tilth.learn.new_probe`), with the weights that
training gives the rows. A stage that is measured is one that `without_stage` can take back out of a table.
"""

from typing import TYPE_CHECKING

from tilth.lazy import lazy_exports

if TYPE_CHECKING:
    from tilth.ledger.cross_validation import measure_on_train_rows
    from tilth.ledger.gold import measure_model_on_gold, measure_on_gold
    from tilth.ledger.leave_one_out import MEASURED, without_stage
    from tilth.ledger.measurement import Measurement, Verdict, not_measured

__getattr__, __dir__ = lazy_exports(__name__)
