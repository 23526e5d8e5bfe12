"""The console script `s3-cli`, apart from s3dlio: it hears Ctrl-C while that is imported."""
