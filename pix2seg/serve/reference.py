"""The API's reference as a page: from the OpenAPI description, without scripts or other servers."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from starlette.responses import HTMLResponse

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} API</title>
<link rel="stylesheet" href="reference.css">
<main>
<h1>{title} API <small>{version}</small></h1>
<p>{about}</p>
<p>The same for machines: <a href="openapi.json">openapi.json</a>. To try it: <a href="./">the
page</a>.</p>
{operations}
<h2 id="schemas">Schemas</h2>
{schemas}
</main>
</html>
"""


def reference_page(description: Mapping[str, Any]) -> HTMLResponse:
    """All operations of an OpenAPI description, with options, bodies, answers and examples."""
    operations = [
        _operation(method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = [
        f'<details id="{escape(name)}"><summary>{escape(name)}</summary>{_code(schema)}</details>'
        for name, schema in description["components"]["schemas"].items()
    ]
    info = description["info"]
    return HTMLResponse(
        PAGE.format(
            title=escape(info["title"]),
            version=escape(info["version"]),
            about=escape(info["description"]),
            operations="\n".join(operations),
            schemas="\n".join(schemas),
        )
    )


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>",
        f"<p>{escape(operation['summary'])}. {escape(operation.get('description', ''))}</p>",
    ]
    if "parameters" in operation:
        parts.append(
            _table("Options, in the query or the form", map(_option, operation["parameters"]))
        )
    if "requestBody" in operation:
        bodies = operation["requestBody"]["content"]
        parts.append(_table("Body", [(kind, _body(body)) for kind, body in bodies.items()]))
    answers = [_answer(status, answer) for status, answer in operation["responses"].items()]
    parts.append(_table("Answers", answers))
    return "\n".join([*parts, "</section>"])


def _option(parameter: Mapping[str, Any]) -> tuple[str, str]:
    schema = parameter["schema"]
    values = " | ".join(schema["enum"]) if "enum" in schema else schema.get("type", "")
    default = schema.get("default")
    facts = [values, f"default {json.dumps(default)}" if default not in (None, "") else ""]
    told = ", ".join(fact for fact in facts if fact)
    return parameter["name"], f"{escape(parameter['description'])} <small>{escape(told)}</small>"


def _body(body: Mapping[str, Any]) -> str:
    fields = body["schema"].get("properties", {})
    files = [name for name, field in fields.items() if field.get("format") == "binary"]
    return f"files: {', '.join(files)}; the options as fields" if files else "the photo itself"


def _answer(status: str, answer: Mapping[str, Any]) -> tuple[str, str]:
    shown = [escape(answer["description"])]
    for kind, content in answer.get("content", {}).items():
        shown.append(f"<br><small>{escape(kind)}</small>")
        if "example" in content:
            shown.append(
                f"<details><summary>example</summary>{_code(content['example'])}</details>"
            )
    return status, "".join(shown)


def _table(title: str, rows: Any) -> str:
    cells = "".join(f"<tr><th>{escape(name)}</th><td>{told}</td></tr>" for name, told in rows)
    return f"<h3>{title}</h3><table>{cells}</table>"


def _code(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
