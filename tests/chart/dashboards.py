"""The queries of the dashboards, as Grafana would send them."""

import json

from chart import CHART

# What Grafana puts in for its variables.
CHOSEN = {"$__rate_interval": "2m", "$namespace": ".*", "$job": ".+", "$fleet": ".+", "$upstream": ".+"}


def dashboards():
    return {file.stem: json.loads(file.read_text()) for file in sorted((CHART / "files" / "dashboards").glob("*.json"))}


def chosen(query):
    for variable, value in CHOSEN.items():
        query = query.replace(variable, value)
    return query


def queries():
    """(dashboard, panel's title, query) of every panel."""
    for name, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield name, panel["title"], chosen(target["expr"])
