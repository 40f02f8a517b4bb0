"""The Airflow backend: DAG files that import Airflow alone."""
