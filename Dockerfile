# Built with `docker build -t klaviyo-mcp .`; serves MCP over HTTP on port 8000.
#
#   docker run -p 8000:8000 -e KLAVIYO_API_KEY -e KLAVIYO_MCP_HTTP_TOKEN klaviyo-mcp
#   (docker stop kills after 10 s: -e KLAVIYO_MCP_STOP_WITHIN=8 has calls say what became of them before)
#   docker run -i --rm      -e KLAVIYO_API_KEY klaviyo-mcp serve        (stdio, for a local client)

FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv --without-pip /opt/klaviyo-mcp
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY tool_specs tool_specs
COPY server server
# pip compiles to bytecode as it installs, so the first start is a fast one.
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && pip --python /opt/klaviyo-mcp/bin/python install --no-cache-dir --compile /wheels/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home klaviyo
COPY --from=build /opt/klaviyo-mcp /opt/klaviyo-mcp
ENV PATH=/opt/klaviyo-mcp/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /home/klaviyo
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["klaviyo-mcp"]
CMD ["serve", "--transport", "http", "--host", "0.0.0.0", "--port", "8000"]
