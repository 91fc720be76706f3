"""`pix2seg recipes`: what can be trained."""

from pix2seg.cli.output import results


def recipes() -> None:
    """List the recipes that pix2seg train knows."""
    from rich.table import Table

    from pix2seg.train.recipe import built_in_recipes, read_recipe

    table = Table("recipe", "what it trains", box=None)
    for name in built_in_recipes():
        table.add_row(name, read_recipe(name)["summary"])
    results().print(table)
