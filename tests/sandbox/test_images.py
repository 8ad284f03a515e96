"""Images: from a data URI, a URL on this machine or elsewhere, and a file; changing and finding them."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

GIF = b"GIF89a" + bytes(20)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(30)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)


def data_uri(content, kind="png"):
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def import_image(sandbox, source, **attributes):
    body = {"data": {"type": "image", "attributes": {"import_from_url": source, **attributes}}}
    return sandbox.post("/api/images", body)


def imported(sandbox, source, **attributes):
    answer = import_image(sandbox, source, **attributes)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


def upload(sandbox, content=PNG, filename="cup.png", boundary="frontier", fields=()):
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields
    ]
    if content is not None:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n'
        parts.append(f"{head}Content-Type: image/png\r\n\r\n".encode() + content + b"\r\n")
    body = b"".join(parts) + f"--{boundary}--\r\n".encode()
    return sandbox.post("/api/image-upload", body, Content_Type=f"multipart/form-data; boundary={boundary}")


@pytest.fixture
def image_server() -> Iterator[str]:
    """The address of a server on this machine that has one image."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/pictures/cup.jpg?size=2" else 404)
            self.end_headers()
            self.wfile.write(JPEG)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("content", "kind"), [(GIF, "gif"), (PNG, "png"), (JPEG, "jpeg")])
def test_a_data_uri_is_decoded(sandbox, content, kind):
    image = imported(sandbox, data_uri(content, kind), name="Cup")
    attributes = image["attributes"]
    assert image["id"].isdigit()
    assert (attributes["name"], attributes["format"], attributes["size"]) == ("Cup", kind, len(content))
    assert attributes["hidden"] is False
    assert attributes["image_url"].endswith(f".{kind}")
    assert sandbox.data(f"/api/images/{image['id']}") == sandbox.kept(image)


@pytest.mark.parametrize(
    "source",
    [
        "data:image/png;base64,not base64",
        "data:text/plain;base64,SGVsbG8=",
        data_uri(b"<svg></svg>", "svg+xml"),
        data_uri(PNG + bytes(6 * 1024 * 1024)),
        "ftp://shop.example/cup.png",
        "cup.png",
        "http://[broken/cup.png",
        "https://shop.example/cup.webp",
        "http://127.0.0.1:9/cup.png",
        "",
    ],
)
def test_what_is_no_image_is_refused(sandbox, source):
    assert import_image(sandbox, source).status_code in (400, 413)


def test_a_url_elsewhere_is_recorded_without_being_fetched(sandbox):
    image = imported(sandbox, "https://shop.example/pictures/blue%20cup.jpg?x=1", hidden=True)
    attributes = image["attributes"]
    assert (attributes["name"], attributes["format"], attributes["hidden"]) == ("blue cup.jpg", "jpeg", True)
    assert 0 < attributes["size"] <= 5 * 1024 * 1024
    again = imported(sandbox, "https://shop.example/pictures/blue%20cup.jpg?x=1")
    assert again["attributes"]["size"] == attributes["size"]


def test_a_url_on_this_machine_is_fetched(sandbox, image_server):
    attributes = imported(sandbox, f"{image_server}/pictures/cup.jpg?size=2")["attributes"]
    assert (attributes["name"], attributes["format"], attributes["size"]) == ("cup.jpg", "jpeg", len(JPEG))
    sandbox.problem(import_image(sandbox, f"{image_server}/elsewhere.jpg"), 400)


def test_a_name_that_is_taken_gets_a_number(sandbox):
    names = [imported(sandbox, data_uri(PNG), name="Cup")["attributes"]["name"] for _ in range(3)]
    assert names == ["Cup", "Cup.1", "Cup.2"]


def test_a_file_is_uploaded(sandbox):
    answer = upload(sandbox, b"GIF89a\r\n--frontie\r\n" + bytes(range(256)), "cup.gif")
    assert answer.status_code == 201, answer.text
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["name"], attributes["format"], attributes["hidden"]) == ("cup.gif", "gif", False)
    assert attributes["size"] == 6 + 13 + 256


def test_a_file_comes_with_a_name_and_hidden(sandbox):
    answer = upload(sandbox, fields=(("name", "Blå kopp"), ("hidden", "true")))
    attributes = answer.json()["data"]["attributes"]
    assert (attributes["name"], attributes["hidden"]) == ("Blå kopp", True)


def test_a_file_of_five_megabytes_is_the_largest(sandbox):
    most = 5 * 1024 * 1024
    assert upload(sandbox, PNG.ljust(most, b"x")).status_code == 201
    sandbox.problem(upload(sandbox, PNG.ljust(most + 1, b"x")), 400)
    sandbox.problem(upload(sandbox, PNG.ljust(most + 10**6, b"x")), 413)


def test_a_filename_keeps_its_letters(sandbox):
    assert upload(sandbox, filename="blå kopp.png").json()["data"]["attributes"]["name"] == "blå kopp.png"


def test_a_form_must_be_whole(sandbox):
    sandbox.problem(upload(sandbox, b"plain text", "cup.png"), 400)
    sandbox.problem(upload(sandbox, None), 400)
    error = sandbox.problem(upload(sandbox, None, fields=(("name", "x"),)), 400)
    assert error["source"]["pointer"] == "/data/attributes/file"
    sandbox.problem(upload(sandbox, None, fields=(("file", "x"),)), 400)
    sandbox.problem(upload(sandbox, fields=(("colour", "blue"),)), 400)
    sandbox.problem(upload(sandbox, fields=(("hidden", "perhaps"),)), 400)
    sandbox.problem(upload(sandbox, fields=(("name", "a"), ("name", "b"))), 400)
    sandbox.problem(sandbox.post("/api/image-upload", b"--x", Content_Type="multipart/form-data; boundary=x"), 400)
    sandbox.problem(sandbox.post("/api/image-upload", b"", Content_Type="multipart/form-data"), 400)
    unnamed = b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--\r\n"
    sandbox.problem(sandbox.post("/api/image-upload", unnamed, Content_Type="multipart/form-data; boundary=x"), 400)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="cup.png"\r\n\r\n'
    broken_off = head + PNG + b"\r\n--x\r\n"
    sandbox.problem(sandbox.post("/api/image-upload", broken_off, Content_Type="multipart/form-data; boundary=x"), 400)
    binary = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xff\r\n--x--\r\n'
    sandbox.problem(sandbox.post("/api/image-upload", binary, Content_Type="multipart/form-data; boundary=x"), 400)
    sandbox.problem(sandbox.post("/api/image-upload", {"data": {}}), 415)


def test_a_form_is_not_taken_elsewhere(sandbox):
    sandbox.problem(sandbox.post("/api/images", b"--x--", Content_Type="multipart/form-data; boundary=x"), 415)


def test_a_change_that_leaves_out_the_name_clears_it(sandbox):
    image = imported(sandbox, data_uri(PNG), name="Cup")["id"]
    sandbox.clock.advance(60)

    def change(**attributes):
        body = {"data": {"type": "image", "id": image, "attributes": attributes}}
        return sandbox.patch(f"/api/images/{image}", body).json()["data"]["attributes"]

    changed = change(name="Mug", hidden=True)
    assert (changed["name"], changed["hidden"]) == ("Mug", True)
    changed = change(hidden=False)
    assert (changed["name"], changed["hidden"]) == (None, False)


def test_images_are_found_sorted_and_paged(shop):
    images = shop.walk("/api/images?sort=-size&page[size]=2")
    sizes = [image["attributes"]["size"] for image in images]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == 6
    assert shop.walk("/api/images?sort=size&page[size]=4") == images[::-1]
    assert len(shop.data('/api/images?filter=equals(format,"png")')) == 2
    assert len(shop.data('/api/images?filter=any(format,["gif","png"])')) == 3
    assert len(shop.data('/api/images?filter=contains(name,"logo")')) == 2
    assert len(shop.data('/api/images?filter=and(starts-with(name,"logo"),ends-with(name,"o"))')) == 1
    assert len(shop.data("/api/images?filter=greater-than(size,300000)")) == 2
    assert len(shop.data("/api/images?filter=equals(hidden,true)")) == 1
    assert len(shop.data("/api/images?filter=any(hidden,[true,false])")) == len(images)
    for fault in ("any(hidden,[1])", 'equals(hidden,"perhaps")', 'greater-than(size,"large")', "equals(size,300000)"):
        assert shop.problem(shop.get(f"/api/images?filter={fault}"), 400)["source"] == {"parameter": "filter"}
    (found,) = shop.data(f'/api/images?filter=equals(id,"{images[0]["id"]}")&fields[image]=name')
    assert found["attributes"] == {"name": images[0]["attributes"]["name"]}
    shop.problem(shop.get("/api/images/1"), 404)
    assert shop.delete(f"/api/images/{images[0]['id']}").status_code == 405
