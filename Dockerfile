# The environment of the results, with the versions of constraints.txt and the project at /project. Nothing needs it.
#
#   docker build -t hnnlib .
#   docker run --rm -v "$PWD/results:/project/results" hnnlib                              scale quick
#   docker run --rm -v "$PWD/results:/project/results" hnnlib snakemake -c2 --config scale=smoke
FROM python:3.11-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends git make && rm -rf /var/lib/apt/lists/*
WORKDIR /project
COPY pyproject.toml constraints.txt Makefile README.md LICENSE ./
COPY hnnlib hnnlib
# torch's build for processors; leave the index out where there is a GPU
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -c constraints.txt torch
RUN pip install --no-cache-dir -c constraints.txt -e ".[workflow,test]" && python -m hnnlib prepare
COPY . .
CMD ["snakemake", "--cores", "all"]
