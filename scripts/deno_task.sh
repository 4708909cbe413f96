#!/bin/sh
# Starts run.mjs for a task of deno.json.
#
# Tasks go through a shell because `deno task` takes a binary in node_modules/.bin, once the pinned Deno
# is there, for JavaScript ("SyntaxError: Invalid or unexpected token"). A shell just runs it.
exec deno run -A --quiet "$(dirname "$0")/run.mjs" "$@"
