"""From the templates of a release to a project: answers, rendering, releases, the first commit."""
