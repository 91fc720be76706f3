"""A catalogue of many photos: a folder of Parquet shards that is filled, searched and exported.

    catalog.json       what is catalogued, how, and by which models
    _plan/00000.parquet    the photos; a row group for each shard
    00000.parquet      a row a photo of shard 0; see `schema.py`
    _colors/00000.parquet  a row a colour of shard 0, for `find`
    00000_stats.json   counts of shard 0, written last: the mark that it is done

`storage` reads and writes it wherever it lies, `source` lists photos, `plan` puts them into shards,
`catalog` opens a catalogue and knows its shards, `run` fills one, `work` does one shard, `engines`
do many, `listing` and `search` find colours, and `export` writes other programs' formats.
"""
