"""The service: segmenting over HTTP, and the page to look at the results.

A request's way: `guard` (identity, log line, metrics, headers) → `app` (routes) → `exchange`
(deadline) → `uploads` (the body, counted as it comes) → `options` → `work` (its turn, threads,
joined batches) → `answers`.
"""
