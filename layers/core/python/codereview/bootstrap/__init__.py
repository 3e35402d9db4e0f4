"""The composition root: reads the environment and puts things together, each in a module of its own.

A function's handler imports its module here, which imports all that the function works with and nothing of the others'.
Lambda does so in its INIT phase, with more processor than most functions have later. What is built is cached: it is
built with the first event, and its connections outlive the event. A ConfigurationError is not cached, and leaves the
handler: nothing may be served until the deployment is mended.
"""
