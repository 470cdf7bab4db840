"""An API on Okta's verifier for Python, as its README sets it up. `/health` is open, any other path needs a token.

With the argument `measure`, it prints the cost of a warm verification, and that of the bare signature, as one line of JSON.
"""

import asyncio
import base64
import json
import os
import socket
import sys
import time

# Okta's verifier depends on aiohttp, which has a server too.
from aiohttp import web
from okta_jwt_verifier import AccessTokenVerifier

verifier = AccessTokenVerifier(issuer=os.environ["ISSUER"], audience=os.environ["AUDIENCE"])


async def respond(request):
    if request.path == "/health" or await is_verified(request):
        return web.Response(text="ok")
    return web.Response(status=401)


async def is_verified(request):
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return False
    try:
        await verifier.verify(token.strip(" "))
    except Exception:
        return False
    return True


def serve():
    listener = socket.create_server(("127.0.0.1", 0))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", respond)
    port = listener.getsockname()[1]
    web.run_app(app, sock=listener, access_log=None, print=lambda _: print(f"listening on {port}", flush=True))


async def measure():
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256

    def decode(text):
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    token = os.environ["TOKEN"]
    jwk = json.loads(os.environ["JWK"])
    number = {name: int.from_bytes(decode(jwk[name]), "big") for name in ("n", "e")}
    key = rsa.RSAPublicNumbers(number["e"], number["n"]).public_key()
    signed, _, signature = token.rpartition(".")
    signed, signature = signed.encode(), decode(signature)

    async def raw():
        key.verify(signature, signed, padding.PKCS1v15(), SHA256())

    async def one():
        await verifier.verify(token)

    rounds = [{"verify": await cost(one), "raw": await cost(raw)} for _ in range(45)]
    print(json.dumps({"rounds": rounds[5:]}))


async def cost(work, calls=100):
    before = time.process_time_ns()
    for _ in range(calls):
        await work()
    return (time.process_time_ns() - before) / calls


if sys.argv[1:] == ["measure"]:
    asyncio.run(measure())
else:
    serve()
