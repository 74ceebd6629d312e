"""An agent that pays over Kafka with a stock client: it asks, reads what becomes of it, and opens what is sealed to it.

    pip install -r requirements.txt
    python agent.py keys                 # makes its keys; an operator registers the public ones
    python agent.py pay quote.json       # prints the signed payment, ready for the seller
"""

import argparse
import base64
import json
import os
import sys
import time
import uuid
from datetime import datetime, timezone
from pathlib import Path

from confluent_kafka import Consumer, Producer
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

BROKERS = os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092")
PREFIX = os.environ.get("KAFKA_PREFIX", "")
TENANT = os.environ.get("AGENT_TENANT", "default")
AGENT = os.environ.get("AGENT_NAME", "research-1")
KEYS = Path(os.environ.get("AGENT_KEYS", "."))
WAIT_SECONDS = 60


def make_keys() -> None:
    """Writes both private keys, for this agent alone, and the public ones for an operator to register."""
    for name, key in (("signing", Ed25519PrivateKey.generate()), ("sealing", X25519PrivateKey.generate())):
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with open(os.open(KEYS / f"{name}.pem", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
        (KEYS / f"{name}.pub.pem").write_bytes(public)


def private_key(name: str):
    return serialization.load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), password=None)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def message_of(kind: str, message_id: str, data: dict) -> bytes:
    """A CloudEvent in JSON. To ask for the same purchase again, send the same bytes again."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": message_id,
            "source": f"agent/{TENANT}/{AGENT}",
            "type": f"dev.countersign.agent.{kind}.v1",
            "time": datetime.now(timezone.utc).isoformat(),
            "data": data,
        }
    ).encode()


def send(message: bytes) -> None:
    """Signs the exact bytes that are sent, and waits until the broker has them."""
    signature = private_key("signing").sign(b"countersign/message/1\n" + message)
    failed = []
    producer = Producer({"bootstrap.servers": BROKERS, "acks": "all", "enable.idempotence": True})
    producer.produce(
        f"{PREFIX}intents.inbound",
        key=f"{TENANT}/{AGENT}",
        value=message,
        headers={"signature": base64url(signature)},
        on_delivery=lambda error, _: error and failed.append(error),
    )
    producer.flush(WAIT_SECONDS)
    if failed:
        raise SystemExit(f"not sent: {failed[0]}")


def unsealed(jwe: str) -> dict:
    """Opens compact JWE: ECDH-ES on X25519, then A256GCM."""
    header, _, iv, ciphertext, tag = jwe.split(".")
    epk = X25519PublicKey.from_public_bytes(from_base64url(json.loads(from_base64url(header))["epk"]["x"]))
    shared = private_key("sealing").exchange(epk)
    algorithm = b"A256GCM"
    info = len(algorithm).to_bytes(4, "big") + algorithm + bytes(8) + (256).to_bytes(4, "big")
    key = ConcatKDFHash(hashes.SHA256(), 32, info).derive(shared)
    plain = AESGCM(key).decrypt(
        from_base64url(iv), from_base64url(ciphertext) + from_base64url(tag), header.encode()
    )
    return json.loads(plain)


def outcomes_until(consumer: Consumer, message_id: str):
    """What is told of the message and of its payment, in the order in which it comes."""
    payment_id = None
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        record = consumer.poll(1.0)
        if record is None or record.error():
            continue
        data = json.loads(record.value())["data"]
        if (data["tenant"], data["agent"]) != (TENANT, AGENT):
            continue
        payment = data.get("payment")
        if data["messageId"] == message_id and payment:
            payment_id = payment["id"]
        if data["messageId"] == message_id or (payment and payment["id"] == payment_id):
            yield data
    raise SystemExit(f"nothing more was told within {WAIT_SECONDS} s; the same message may be sent again")


def pay(request: dict) -> dict:
    """The payment as it was signed. People who are asked get as long as this waits."""
    message_id = str(uuid.uuid4())
    consumer = Consumer(
        {"bootstrap.servers": BROKERS, "group.id": f"agent-{TENANT}-{AGENT}", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([f"{PREFIX}intents.outcomes"])
    try:
        send(message_of("intent", message_id, request))
        for data in outcomes_until(consumer, message_id):
            if "refused" in data:
                raise SystemExit(f"refused: {data['refused']['code']}: {data['refused']['detail']}")
            payment = data["payment"]
            print(f"{payment['status']} {payment['id']}", file=sys.stderr)
            if payment["status"] == "signed":
                return unsealed(data["sealed"])["payment"]
            if payment["status"] == "cleared":
                # People consented to these terms. A fresh quote, under an id of its own, claims the payment.
                send(message_of("intent", str(uuid.uuid4()), request))
            elif payment["final"]:
                raise SystemExit(f"{payment['status']}: {', '.join(payment['reasons'])}")
    finally:
        consumer.close()
    raise SystemExit("the outcomes ended")


def main() -> None:
    parser = argparse.ArgumentParser(description="Pay over Kafka")
    parser.add_argument("command", choices=["keys", "pay"])
    parser.add_argument("file", nargs="?", help="JSON with quote and resource, as the seller's 402 states them")
    arguments = parser.parse_args()
    if arguments.command == "keys":
        make_keys()
    else:
        payment = pay(json.loads(Path(arguments.file).read_text()))
        print(json.dumps({"authorization": payment["authorization"], "signature": payment["signature"]}))


if __name__ == "__main__":
    main()
