"""How predictions are made. Loaded where jobs run, and nowhere else."""

import csv

from app.offload import Run

from .kind import (
    KIND,
    JobNameParams,
    JobNameResult,
)
from .model import get_model
from .rows import read_batches


@KIND.work
def job_name(
    run: Run,
    params: JobNameParams,
) -> JobNameResult:
    """Keep the class of each row, and how probable each class is, in the order of the rows."""
    model, path = get_model(), run.input("rows")
    counts, size = dict.fromkeys(model.classes, 0), path.stat().st_size
    target = run.folder / "predictions.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["class", *model.classes])
        for rows, bytes_read in read_batches(path, model.features, params.batch_size):
            run.progress(min(bytes_read / size, 1))
            for probabilities in model.predict(rows):
                best = model.classes[probabilities.argmax()]
                counts[best] += 1
                writer.writerow([best, *(f"{each:.6f}" for each in probabilities)])
    run.keep("predictions.csv", target, "text/csv")
    run.progress(1)
    return JobNameResult(
        rows=sum(counts.values()),
        classes=counts,
    )
