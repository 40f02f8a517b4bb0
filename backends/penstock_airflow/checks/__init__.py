"""What Airflow cannot do, found before anything is emitted; in this order."""

from penstock.passes.model import Pass
from penstock_airflow.checks.depth import constants_shallow
from penstock_airflow.checks.lists import lists_of_one_kind
from penstock_airflow.checks.options import options_expressible
from penstock_airflow.checks.schedule import schedule_complete
from penstock_airflow.checks.sizes import values_fit_environment
from penstock_airflow.checks.weaker import cache_unused, none_not_asked
from penstock_airflow.names import distinct_variables

CHECKS: tuple[Pass, ...] = (
    distinct_variables,
    schedule_complete,
    values_fit_environment,
    constants_shallow,
    lists_of_one_kind,
    options_expressible,
    cache_unused,
    none_not_asked,
)
