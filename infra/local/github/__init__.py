"""A GitHub that runs on this machine: real git repositories behind the REST API that a review App uses."""
