"""dashboard_picture.py DATA.json: draws a dashboard as SVG, for the docs.

Not Grafana's drawing: its JSON's layout, units and thresholds, with what a Prometheus answered to its queries. The cluster tests
write such data where DASHBOARD_DATA names a folder: {"title", "panels": [a panel of the dashboard, with "answers": [[{"legend",
"points": [[time, value], ...]}, ...] for each query]]}."""

import html
import json
import math
import pathlib
import sys

WIDTH, CELL = 1200, 32
COLORS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#96d98d", "#ffb357", "#ca95e5")
NAMED = {"green": "#37872d", "orange": "#e0752d", "red": "#c4162a"}
UNITS = {"s": "s", "reqps": "/s", "ops": "/s"}


def number(value):
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {letter}"
    return f"{value:.3g}"


def shown(value, unit):
    if unit == "percentunit":
        return f"{100 * value:.3g} %"
    if unit == "s" and abs(value) >= 86400:
        return f"{value / 86400:.3g} days"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{1000 * value:.3g} ms"
    if unit == "bytes":
        return f"{value / 2**20:.3g} MiB"
    return number(value) + (" " + UNITS[unit] if unit in UNITS else "")


def text(x, y, content, size=11, color="#ccccdc", **more):
    extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{color}"{extra}>{html.escape(content)}</text>'


def stat(panel, x, y, width, height):
    points = [each["points"] for answer in panel["answers"] for each in answer]
    value = points[0][-1][1] if points else None
    color, steps = "#ccccdc", panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
    for step in steps:
        if value is not None and (step["value"] is None or value >= step["value"]):
            color = NAMED[step["color"]]
    if steps:
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" fill="{color}"/>'
        color = "#ffffff"
    said = "no data" if value is None else shown(value, panel["fieldConfig"]["defaults"]["unit"])
    yield text(x + width / 2, y + height * .68, said, 26, color, text_anchor="middle")


def series(panel, x, y, width, height):
    lines = [each for answer in panel["answers"] for each in answer if each["points"]]
    unit, custom = panel["fieldConfig"]["defaults"]["unit"], panel["fieldConfig"]["defaults"].get("custom", {})
    stacked = custom.get("stacking", {}).get("mode") == "normal"
    if not lines:
        return
    times = sorted({point[0] for each in lines for point in each["points"]})
    below = dict.fromkeys(times, 0.0)
    drawn = []
    for each in lines:
        values = dict(each["points"])
        if stacked:
            top = {time: below[time] + values.get(time, 0) for time in times}
            drawn.append((each["legend"], [(time, top[time]) for time in times], [(time, below[time]) for time in times]))
            below = top
        else:
            drawn.append((each["legend"], each["points"], None))
    numbers = [value for _, points, _ in drawn for _, value in points if math.isfinite(value)] or [0]
    high, low = max(numbers), min(0, *numbers)
    high = high * 1.05 if high > low else low + 1
    left, right, top, bottom = x + 58, x + width - 10, y + 26, y + height - 34
    span = (times[-1] - times[0]) or 1

    def place(time, value):
        return left + (right - left) * (time - times[0]) / span, bottom - (bottom - top) * (value - low) / (high - low)

    for part in range(4):
        value = low + (high - low) * part / 3
        line = place(times[0], value)[1]
        yield f'<line x1="{left}" x2="{right}" y1="{line:.1f}" y2="{line:.1f}" stroke="#2c3036"/>'
        yield text(left - 4, line + 4, shown(value, unit), 9, "#8e8e99", text_anchor="end")
    for index, (_, points, floor) in enumerate(drawn):
        color = COLORS[index % len(COLORS)]
        path = [place(time, value) for time, value in points if math.isfinite(value)]
        if floor:
            area = path + [place(time, value) for time, value in reversed(floor)]
            yield f'<polygon points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in area)}" fill="{color}" fill-opacity=".25"/>'
        yield f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in path)}" fill="none" stroke="{color}" stroke-width="1.5"/>'
    at = left
    for index, (legend, _, _) in enumerate(drawn):
        if at + 6 * len(legend) + 20 > right:
            yield text(at, y + height - 10, "…", 10)
            break
        yield f'<rect x="{at}" y="{y + height - 18}" width="10" height="4" fill="{COLORS[index % len(COLORS)]}"/>'
        yield text(at + 14, y + height - 12, legend, 10)
        at += 6 * len(legend) + 28


def table(panel, x, y, width, height):
    rows = [each for answer in panel["answers"] for each in answer][:int(height / 20) - 2]
    for index, each in enumerate(rows):
        yield text(x + 12, y + 46 + 20 * index, each["legend"], 11)
        yield text(x + width - 12, y + 46 + 20 * index, number(each["points"][-1][1]), 11, text_anchor="end")


def picture(data):
    step = WIDTH / 24
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in data["panels"]) * CELL + 44
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
           'font-family="Inter, Helvetica, Arial, sans-serif">')
    yield f'<rect width="{WIDTH}" height="{height}" fill="#111217"/>'
    yield text(12, 28, data["title"], 16)
    for panel in data["panels"]:
        place = panel["gridPos"]
        x, y = place["x"] * step + 4, place["y"] * CELL + 44
        width, high = place["w"] * step - 8, place["h"] * CELL - 8
        if panel["type"] == "row":
            yield text(x + 4, y + 20, panel["title"], 13)
            continue
        yield f'<rect x="{x}" y="{y}" width="{width}" height="{high}" rx="3" fill="#181b1f" stroke="#2c3036"/>'
        yield from {"stat": stat, "timeseries": series, "table": table}[panel["type"]](panel, x, y, width, high)
        yield text(x + 8, y + 17, panel["title"], 12)
    yield "</svg>"


print("\n".join(picture(json.loads(pathlib.Path(sys.argv[1]).read_text()))))
