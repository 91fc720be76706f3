"""Who does the shards: processes of this machine (`local`), or a Ray cluster (`cluster`)."""
