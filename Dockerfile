# Built with `docker build -t klaviyo-mcp .`; serves MCP over HTTP on port 8000.
#
#   docker run -p 8000:8000 -e KLAVIYO_API_KEY -e KLAVIYO_MCP_HTTP_TOKEN klaviyo-mcp
#   (docker stop kills after 10 s: -e KLAVIYO_MCP_STOP_WITHIN=8 has calls say what became of them before)
#   docker run -i --rm      -e KLAVIYO_API_KEY klaviyo-mcp serve        (stdio, for a local client)
#
# The same image is the hosted service for many companies: docker-compose.yml, deploy/kubernetes/ and docs/hosting.md.

# Everything that is installed, and what builds the wheel, is what uv.lock holds, by its hashes.
FROM python:3.13-slim AS build
WORKDIR /source
ENV UV_NO_CACHE=1 UV_NO_MANAGED_PYTHON=1
COPY .ci/uv.txt .ci/uv.txt
RUN pip install --no-cache-dir --require-hashes --requirement .ci/uv.txt
COPY pyproject.toml uv.lock ./
# Compiled to bytecode, so the first start is a fast one.
RUN UV_PROJECT_ENVIRONMENT=/opt/build uv sync --locked --only-group wheel \
 && UV_PROJECT_ENVIRONMENT=/opt/klaviyo-mcp uv sync --locked --no-default-groups --extra otel --no-install-project \
    --compile-bytecode
COPY hatch_build.py README.md LICENSE ./
COPY tool_specs tool_specs
COPY server server
RUN uv build --wheel --no-build-isolation --python /opt/build/bin/python --out-dir /wheels \
 && uv pip install --python /opt/klaviyo-mcp/bin/python --no-deps --compile-bytecode /wheels/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home klaviyo
COPY --from=build /opt/klaviyo-mcp /opt/klaviyo-mcp
ENV PATH=/opt/klaviyo-mcp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /home/klaviyo
# MCP and the pages; what KLAVIYO_MCP_METRICS_PORT asks for.
EXPOSE 8000 9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["klaviyo-mcp"]
CMD ["serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8000"]
