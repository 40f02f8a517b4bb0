"""Every option that a step or a pipeline can have."""

from penstock import Resources, Retry, Schedule, Secret, pipeline, step


@step(
    requires=["pandas>=2"],
    packages=["libgomp1"],
    resources=Resources(cpu=2, memory="4Gi", gpu=1),
    retries=Retry(3, delay="2m", backoff=2),
    timeout="1h",
    env={"MODE": "fast", "TEMPLATE": "{{ 7*7 }}", "SETTINGS": "prod.env"},
    secrets=[Secret("warehouse", key="password", env="WAREHOUSE_KEY")],
)
def extract(query: str) -> bytes:
    """Reads from the warehouse.

    The query is one that the owner of the table knows about, since it may well take a long time.
    """
    return query.encode()


@step(image="registry.example.org/team/loader:1.4", timeout=90, resources=Resources(cpu="500m"))
def publish(data: bytes, place: str) -> None:
    """Writes to the place."""


@step(retries=0, cache=False)
def tell(message: str) -> None: ...


@pipeline(
    schedule=Schedule("0 6 * * 1-5", timezone="Europe/Berlin", catchup=True, start="2026-02-28"),
    tags=["sales", "daily"],
    owner="data platform",
    retries=Retry(1, delay=30),
)
def options(query: str = "select 1") -> None:
    """Loads the sales of a day."""
    data = extract(query)
    published = publish(data, place="/sales")
    publish.options(name="publish-copy", timeout="2h")(data, place="{{ ds }}")
    tell.options(after=[published], env={"CHANNEL": "#sales"})("done")
