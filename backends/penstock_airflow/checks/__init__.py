"""What Airflow cannot do, found before anything is emitted; in this order."""

from penstock.passes.model import Pass
from penstock_airflow.checks.depth import constants_shallow
from penstock_airflow.checks.limits import within_limits
from penstock_airflow.checks.lists import lists_of_one_kind
from penstock_airflow.checks.options import options_expressible
from penstock_airflow.checks.schedule import schedule_complete
from penstock_airflow.checks.sizes import values_fit_environment
from penstock_airflow.checks.weaker import cache_unused, none_not_asked, unenforced
from penstock_airflow.names import distinct_variables
from penstock_airflow.target import Target

CHECKS: tuple[Pass, ...] = (
    distinct_variables,
    schedule_complete,
    constants_shallow,
    lists_of_one_kind,
    cache_unused,
    none_not_asked,
    within_limits,
)


def checks_of(target: Target) -> tuple[Pass, ...]:
    """The checks that depend on the version of Airflow, and on how steps run."""
    return (values_fit_environment(target), options_expressible(target), unenforced(target))
