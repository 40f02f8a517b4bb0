"""The Airflow backend: DAG files that import Airflow alone."""

from penstock_airflow.backend import AirflowBackend

__all__ = ["AirflowBackend"]
