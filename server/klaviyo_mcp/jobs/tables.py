"""The tables of jobs: what `store` and `outputs` keep beside those of DBOS."""

import sqlalchemy as sa

TABLES = sa.MetaData()
JOBS = sa.Table(
    "klaviyo_jobs",
    TABLES,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("whose", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("wish", sa.String(16), nullable=False, default=""),
    sa.Column("reason", sa.Text, nullable=False, default=""),
    sa.Column("created", sa.String(40), nullable=False),
    sa.Column("changed", sa.String(40), nullable=False),
    sa.Column("runs", sa.Integer, nullable=False, default=0),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("progress", sa.Text, nullable=False, default="{}"),
    sa.Column("worker", sa.String(64), nullable=False, default=""),
)
CHUNKS = sa.Table(
    "klaviyo_job_chunks",
    TABLES,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("lines", sa.LargeBinary, nullable=False),
    sa.Column("notes", sa.Text, nullable=False, default="{}"),
)
REJECTED = sa.Table(
    "klaviyo_job_rejected",
    TABLES,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("part", sa.String(24), primary_key=True),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
SHOWN = sa.Table(
    "klaviyo_job_shown",
    TABLES,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
EXPORT_PIECES = sa.Table(
    "klaviyo_export_pieces",
    TABLES,
    sa.Column("job", sa.String(40), primary_key=True),
    sa.Column("form", sa.String(8), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
"""What exports of a service have read, and what was made of it: see `outputs`."""
