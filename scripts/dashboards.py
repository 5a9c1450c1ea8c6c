"""Writes the Grafana dashboards into the chart, or with --check compares them. Run by scripts/dashboards.

A dashboard is rows of panels; a panel is a title, what it shows and queries. What is the same everywhere is here once."""

import copy
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
OUT = ROOT / "charts" / "balena-clearblade-operator" / "files" / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# The operator's series, by their prefix, and those of a controller-runtime's names, which others have too.
OWN = "balena_clearblade_"
OURS = 'namespace=~"$namespace",job=~"$job"'
FLEET = f'{OURS},fleet=~"$fleet"'
GOOD, BAD, WARN = "green", "red", "orange"


def rate(metric, labels=OURS):
    return f"rate({metric}{{{labels}}}[$__rate_interval])"


def quantile(q, metric, by, labels=OURS):
    return f"histogram_quantile({q}, sum by (le, {by}) ({rate(metric + '_bucket', labels)}))"


def panel(kind, title, description, *queries, unit="short", width=8, height=8, steps=None, options=None, custom=None, **defaults):
    """`queries`: (expression, legend). `steps`: (from, color) of the value, lowest first."""
    instant = kind in ("stat", "table")
    return {
        "type": kind, "title": title, "description": description, "datasource": SOURCE,
        "gridPos": {"w": width, "h": height},
        "targets": [{"refId": chr(65 + i), "datasource": SOURCE, "expr": expr, "legendFormat": legend, "instant": instant,
                     "range": not instant, **({"format": "table"} if kind == "table" else {})}
                    for i, (expr, legend) in enumerate(queries)],
        "fieldConfig": {"defaults": {
            "unit": unit, **({"custom": custom} if custom else {}),
            **({"thresholds": {"mode": "absolute", "steps": [{"value": at, "color": color} for at, color in steps]}} if steps else {}),
            **defaults}, "overrides": []},
        "options": options or {}}


def series(title, description, *queries, stacked=False, **more):
    custom = {"lineWidth": 1, "fillOpacity": 20 if stacked else 5, "showPoints": "never",
              "stacking": {"mode": "normal" if stacked else "none"}}
    options = {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    return panel("timeseries", title, description, *queries, options=options, custom=custom, min=more.pop("min", 0), **more)


def stat(title, description, query, legend="", width=4, **more):
    options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background" if "steps" in more else "value", "graphMode": "none"}
    return panel("stat", title, description, (query, legend), width=width, height=4, options=options, **more)


def table(title, description, query, hidden=("Time", "job", "instance", "namespace", "pod", "service", "container", "endpoint", "__name__"), **more):
    made = panel("table", title, description, (query, ""), **more)
    made["transformations"] = [{"id": "organize", "options": {"excludeByName": dict.fromkeys(hidden, True)}}]
    return made


def row(title, *panels):
    return [{"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}, *panels]


def variable(name, label, query, every=".+"):
    """`every`: what all of them match."""
    return {"type": "query", "name": name, "label": label, "datasource": SOURCE, "query": {"query": query, "refId": name},
            "definition": query, "refresh": 2, "multi": True, "includeAll": True, "allValue": every, "sort": 1,
            "current": {"text": "All", "value": "$__all"}}


def dashboard(uid, title, description, variables, *rows):
    panels, x, y, deepest = [], 0, 0, 0
    for number, each in enumerate((copy.deepcopy(panel) for row in rows for panel in row), 1):
        place = each["gridPos"]
        if x + place["w"] > 24 or each["type"] == "row":
            x, y, deepest = 0, y + deepest, 0
        each |= {"id": number, "gridPos": {"x": x, "y": y, **place}}
        x, deepest = x + place["w"], max(deepest, place["h"])
        panels.append(each)
    source = {"type": "datasource", "name": "datasource", "label": "Data source", "query": "prometheus", "current": {}}
    # Where nobody has put the label on, as outside of a cluster, none is chosen.
    namespace = variable("namespace", "Namespace", f"label_values({OWN}build_info, namespace)", ".*")
    job = variable("job", "Job", f'label_values({OWN}build_info{{namespace=~"$namespace"}}, job)')
    return {"uid": f"bco-{uid}", "title": f"balena-clearblade / {title}", "description": description, "tags": ["balena-clearblade"],
            "schemaVersion": 39, "version": 1, "editable": True, "graphTooltip": 1, "refresh": "30s", "timezone": "",
            "time": {"from": "now-6h", "to": "now"}, "templating": {"list": [source, namespace, job, *variables]}, "annotations": {"list": []},
            "links": [{"type": "dashboards", "title": "balena-clearblade", "tags": ["balena-clearblade"], "asDropdown": True,
                       "includeVars": True, "keepTime": True}],
            "panels": panels}


FLEETS = variable("fleet", "Fleet", f"label_values({OWN}devices{{{OURS}}}, fleet)")
UPSTREAMS = variable("upstream", "Upstream", f"label_values({OWN}upstream_requests_total{{{OURS}}}, upstream)")
CLOUD = f'{OURS},upstream=~"$upstream"'
STATES = series("Devices by state", "Every desired device is in one state.",
                (f"sum by (state) ({OWN}devices{{{FLEET}}}) > 0", "{{state}}"), stacked=True, width=12)
OPERATIONS = series("Writes to the clouds", "Passes that wrote, by what they were about and how they ended.",
                    (f"sum by (operation, outcome) ({rate(OWN + 'device_operations_total', FLEET)})", "{{operation}} {{outcome}}"),
                    unit="ops", width=12)
FIRST_EXPIRY = f"min({OWN}credentials_first_expiry_timestamp_seconds{{{FLEET}}}) - time()"
SNAPSHOTS = series("Age of the last complete list", "Both sides are listed every syncInterval; a list that grows old means that nothing new is seen.",
                   (f"max by (fleet, side) ({OWN}snapshot_age_seconds{{{FLEET}}})", "{{fleet}} {{side}}"), unit="s", width=12)

overview = dashboard(
    "overview", "Overview", "Is everything connected, and does it stay so?", [FLEETS],
    row("Now",
        stat("Devices ready", "Of all desired devices.",
             f'sum({OWN}devices{{{FLEET},state="Ready"}}) / sum({OWN}devices{{{FLEET}}})', unit="percentunit",
             steps=[(None, BAD), (0.95, WARN), (0.99, GOOD)]),
        stat("Devices", "Desired devices of all fleets.", f"sum({OWN}devices{{{FLEET}}})"),
        stat("Need a person", "Devices that failed or are in conflict.",
             f'sum({OWN}devices{{{FLEET},state=~"Failed|Conflict"}})', steps=[(None, GOOD), (1, WARN)]),
        stat("First key ends in", "Of all keys that devices hold. Rotation is long before.", FIRST_EXPIRY, unit="s",
             steps=[(None, BAD), (86400, WARN), (604800, GOOD)]),
        stat("Leader", "Exactly one replica of each installation works.",
             f"sum by (namespace, job) (leader_election_master_status{{{OURS}}})", "{{namespace}} {{job}}",
             steps=[(None, BAD), (1, GOOD), (2, BAD)]),
        stat("Removals halted", "Fleets in which the brake holds removals.", f"sum({OWN}removal_halted{{{FLEET}}})",
             steps=[(None, GOOD), (1, WARN)])),
    row("Devices", STATES, OPERATIONS),
    row("Fleets",
        table("Fleets", "1: the last sweep succeeded; 0 with the reason if not.",
              f"max by (fleet, reason) ({OWN}fleet_ready{{{FLEET}}})", width=12), SNAPSHOTS),
    row("Clouds",
        series("Requests", "To both clouds and the API server, by the answer.",
               (f"sum by (upstream, code) ({rate(OWN + 'upstream_requests_total')})", "{{upstream}} {{code}}"), unit="reqps", width=12),
        series("Latency, 99th percentile", "Of requests that were answered, waiting for a connection included.",
               (quantile(0.99, OWN + "upstream_request_duration_seconds", "upstream"), "{{upstream}}"), unit="s", width=12)),
    row("Endpoint",
        series("Answers", "Of the HTTP endpoint, if there is one, by status and why.",
               (f"sum by (code, outcome) ({rate(OWN + 'endpoint_requests_total')}) > 0", "{{code}} {{outcome}}"), unit="reqps"),
        series("Waiting", "Requests that wait for their device now; those refused unread are no HTTP, too large or too slow.",
               (f"sum({OWN}endpoint_waiting_requests{{{OURS}}})", "waiting"),
               (f"sum(increase({OWN}endpoint_malformed_requests_total{{{OURS}}}[$__rate_interval]))", "refused unread")),
        series("Mean time of an answer", "From the whole request to its answer.",
               (f"sum({rate(OWN + 'endpoint_request_duration_seconds_total')}) / sum({rate(OWN + 'endpoint_requests_total')})", "mean"),
               unit="s")))

fleet = dashboard(
    "fleet", "Fleet", "One fleet: its devices, their keys, what was done to them and what is stale.", [FLEETS],
    row("Devices", STATES, OPERATIONS),
    row("Keys",
        stat("First key ends in", "Of the keys that devices hold.", FIRST_EXPIRY, unit="s",
             steps=[(None, BAD), (86400, WARN), (604800, GOOD)]),
        stat("Rotation due", "Devices whose key is due to be rotated and has not been yet.", f"sum({OWN}rotations_due{{{FLEET}}})"),
        stat("End before rotation", "Devices whose key threatens to end before it is rotated.",
             f"sum({OWN}credentials_expiring_before_rotation{{{FLEET}}})", steps=[(None, GOOD), (1, BAD)]),
        stat("balena's token ends in", "The fleet's own API token, if it ends.",
             f"min({OWN}balena_token_expiry_timestamp_seconds{{{FLEET}}}) - time()", unit="s", steps=[(None, BAD), (1209600, GOOD)]),
        stat("rotateBefore", "How long before its end a key is rotated.", f"min({OWN}fleet_rotate_before_seconds{{{FLEET}}})", unit="s"),
        stat("Suspended", "Fleets that are left alone.", f"sum({OWN}fleet_suspended{{{FLEET}}})"),
        series("Keys that end within", "Those that have ended included.",
               (f"sum by (within) ({OWN}credentials_expiring{{{FLEET}}})", "{{within}}"), width=24)),
    row("Sweeps", SNAPSHOTS,
        series("syncInterval", "How often both sides are to be listed.",
               (f"max by (fleet) ({OWN}fleet_sync_interval_seconds{{{FLEET}}})", "{{fleet}}"), unit="s", width=6),
        table("State", "1: the last sweep succeeded; 0 with the reason if not.",
              f"max by (fleet, reason) ({OWN}fleet_ready{{{FLEET}}})", width=6)),
    row("What needs a person",
        series("Conflicts", "Devices that came into conflict, by reason.",
               (f"sum by (fleet, reason) (increase({OWN}conflicts_total{{{FLEET}}}[1h]))", "{{fleet}} {{reason}}")),
        series("Stale registrations", "Their device has left the fleet; candidates are due to be removed.",
               (f"sum by (fleet) ({OWN}stale_registrations{{{FLEET}}})", "{{fleet}} stale"),
               (f"sum by (fleet) ({OWN}removal_candidates{{{FLEET}}})", "{{fleet}} candidates")),
        series("Brake", "1 while it holds removals.", (f"max by (fleet) ({OWN}removal_halted{{{FLEET}}})", "{{fleet}}"), max=1)))

clouds = dashboard(
    "clouds", "Clouds and budget", "What is asked of the clouds, how they answer, and what of the budget is left.", [UPSTREAMS],
    row("Requests",
        series("By answer", "Requests sent, repetitions included, by status or error.",
               (f"sum by (upstream, code) ({rate(OWN + 'upstream_requests_total', CLOUD)})", "{{upstream}} {{code}}"), unit="reqps", width=12),
        series("By kind", "Requests sent, by what was asked.",
               (f"sum by (upstream, kind) ({rate(OWN + 'upstream_requests_total', CLOUD)})", "{{upstream}} {{kind}}"), unit="reqps", width=12),
        series("Latency", "Median and 99th percentile.",
               (quantile(0.5, OWN + "upstream_request_duration_seconds", "upstream", CLOUD), "{{upstream}} p50"),
               (quantile(0.99, OWN + "upstream_request_duration_seconds", "upstream", CLOUD), "{{upstream}} p99"), unit="s", width=12),
        series("Latency by kind, 99th percentile", "Which request is slow.",
               (quantile(0.99, OWN + "upstream_request_duration_seconds", "upstream, kind", CLOUD), "{{upstream}} {{kind}}"), unit="s", width=12)),
    row("Budget",
        series("Left", "Share of what the budget allows at once. At 0 work waits for its turn.",
               (f"min by (upstream, scope, budget) ({OWN}budget_available_calls{{{CLOUD}}} / {OWN}budget_burst_calls{{{CLOUD}}})",
                "{{upstream}} {{scope}} {{budget}}"), unit="percentunit", max=1),
        series("Growth", "Calls by which the budget grows in a second: the configured pace.",
               (f"max by (upstream, scope, budget) ({OWN}budget_refill_calls{{{CLOUD}}})", "{{upstream}} {{scope}} {{budget}}")),
        series("Throttled", "Calls that were given back unsent: our own budget was used up, or the cloud had us pause.",
               (f"sum by (upstream, budget, by) ({rate(OWN + 'throttled_calls_total', CLOUD)})", "{{upstream}} {{budget}} by the {{by}}"), unit="reqps")),
    row("Health",
        series("Breaker open", "1 while an upstream is not called because it did not answer.",
               (f"max by (upstream, scope) ({OWN}breaker_open{{{CLOUD}}})", "{{upstream}} {{scope}}"), max=1),
        series("Paused by the cloud", "1 while it has us pause: it answered 429.",
               (f"max by (upstream, scope, budget) ({OWN}budget_paused{{{CLOUD}}})", "{{upstream}} {{scope}} {{budget}}"), max=1),
        series("Clock skew", "The upstream's clock less ours. Above ten minutes nothing expires or rotates.",
               (f"max by (upstream, scope) ({OWN}clock_skew_seconds{{{CLOUD}}})", "{{upstream}} {{scope}}"), unit="s", min=None)),
    row("Registries",
        series("Registrations", "In the registry, by whose they are.",
               (f"sum by (registry, owner) ({OWN}registrations{{{OURS}}})", "{{registry}} {{owner}}"), width=24)))

internals = dashboard(
    "internals", "Controller internals", "Queues, workers, watches, leader and process, by controller-runtime's names where the meaning is the same.", [],
    row("Replicas",
        series("Leader", "1 in the replica that works.", (f"max by (pod, instance) (leader_election_master_status{{{OURS}}})", "{{pod}} {{instance}}"), max=1),
        series("Watch age", "Time since the API server last said something on a watch.",
               (f"max by (resource) ({OWN}watch_age_seconds{{{OURS}}})", "{{resource}}"), unit="s"),
        table("Versions", "Of running replicas.", f"count by (version) ({OWN}build_info{{{OURS}}})")),
    row("Reconciling",
        series("Reconciliations", "By controller and result.",
               (f"sum by (controller, result) ({rate('controller_runtime_reconcile_total')})", "{{controller}} {{result}}"), unit="ops"),
        series("Errors", "By controller.", (f"sum by (controller) ({rate('controller_runtime_reconcile_errors_total')})", "{{controller}}"), unit="ops"),
        series("Time", "Median and 99th percentile.",
               (quantile(0.5, "controller_runtime_reconcile_time_seconds", "controller"), "{{controller}} p50"),
               (quantile(0.99, "controller_runtime_reconcile_time_seconds", "controller"), "{{controller}} p99"), unit="s"),
        series("Workers", "Busy, and all.",
               (f"sum by (controller) (controller_runtime_active_workers{{{OURS}}})", "{{controller}} busy"),
               (f"sum by (controller) (controller_runtime_max_concurrent_reconciles{{{OURS}}})", "{{controller}} all")),
        series("Sweeps", "Time to list a fleet and its registry and to compare them, 90th percentile.",
               (quantile(0.9, OWN + "sweep_duration_seconds", "outcome"), "{{outcome}}"), unit="s", width=16)),
    row("Queues",
        series("Depth", "Keys that wait for a worker.", (f"sum by (name) (workqueue_depth{{{OURS}}})", "{{name}}"), width=6),
        series("Added and retried", "Keys that began to wait, and those of them that come again after a failure.",
               (f"sum by (name) ({rate('workqueue_adds_total')})", "{{name}} added"),
               (f"sum by (name) ({rate('workqueue_retries_total')})", "{{name}} retried"), unit="ops", width=6),
        series("Waiting and working, 99th percentile", "How long a key waited for a worker, and was in its hands.",
               (quantile(0.99, "workqueue_queue_duration_seconds", "name"), "{{name}} waiting"),
               (quantile(0.99, "workqueue_work_duration_seconds", "name"), "{{name}} working"), unit="s", width=6),
        series("In hand", "How long the keys in workers' hands have been there: all together, and the one that has been so for longest.",
               (f"sum by (name) (workqueue_unfinished_work_seconds{{{OURS}}})", "{{name}} together"),
               (f"max by (name) (workqueue_longest_running_processor_seconds{{{OURS}}})", "{{name}} longest"), unit="s", width=6)),
    row("Process",
        series("CPU", "Cores.", (rate("process_cpu_seconds_total"), "{{pod}} {{instance}}"), width=6),
        series("Memory", "Resident.", (f"process_resident_memory_bytes{{{OURS}}}", "{{pod}} {{instance}}"), unit="bytes", width=6),
        series("Open files", "Descriptors.", (f"process_open_fds{{{OURS}}}", "{{pod}} {{instance}}"), width=6),
        series("Uptime", "Since the process started.", (f"time() - process_start_time_seconds{{{OURS}}}", "{{pod}} {{instance}}"), unit="s", width=6)))

DASHBOARDS = {"overview": overview, "fleet": fleet, "clouds": clouds, "internals": internals}


def texts():
    return {f"{name}.json": json.dumps(each, indent=1, ensure_ascii=False) + "\n" for name, each in DASHBOARDS.items()}


def main(arguments):
    if arguments == ["--check"]:
        if {file.name: file.read_text() for file in OUT.glob("*")} != texts():
            sys.exit("the chart's dashboards are not what scripts/dashboards.py says: run ./scripts/dashboards")
    elif arguments:
        sys.exit("./scripts/dashboards [--check]")
    else:
        OUT.mkdir(parents=True, exist_ok=True)
        for name, text in texts().items():
            (OUT / name).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
