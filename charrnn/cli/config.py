"""`charrnn config`."""

import click


@click.command("config")
@click.option("--schema", is_flag=True, help="Print the JSON Schema for editors instead.")
def show_config(schema: bool) -> int:
    """Print every key of a config with its default and meaning, as a YAML file to start from.

    \b
    charrnn config > my.yaml

    Its first line names the JSON Schema of this installation, with which editors complete and check keys.
    """
    import json

    from charrnn import shipped
    from charrnn.config import json_schema, reference_yaml

    click.echo(json.dumps(json_schema(), indent=1) if schema else reference_yaml(shipped.schema()), nl=schema)
    return 0
