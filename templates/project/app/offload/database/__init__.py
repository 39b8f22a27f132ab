"""Tables, engines, migrations: where the rows are."""
