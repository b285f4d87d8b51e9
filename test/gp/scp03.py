# SPDX-License-Identifier: Apache-2.0
"""Secure Channel Protocol 03 of GlobalPlatform, the host's side.

Written from GlobalPlatform Card Specification, Amendment D 1.1.2, in S8 mode:
challenges, cryptograms and MACs of 8 bytes.  It shares nothing with the card
that it judges; AES, CBC, ECB and CMAC are python3-cryptography's.
"""

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from iso7816 import FIRST_SM, class_byte

BLOCK = 16
MAC = 8
CHALLENGE = 8
ZERO_BLOCK = bytes(BLOCK)

# Security levels (7.1.2.3).
C_MAC = 0x01
C_ENC = 0x02
R_MAC = 0x10
R_ENC = 0x20
LEVELS = (0x01, 0x03, 0x11, 0x13, 0x33)

# Data derivation constants (table 4-1).
CARD_CRYPTOGRAM = 0x00
HOST_CRYPTOGRAM = 0x01
CARD_CHALLENGE = 0x02
S_ENC = 0x04
S_MAC = 0x06
S_RMAC = 0x07

# Answer to INITIALIZE UPDATE (table 7-3).
KDD = 10
COUNTER = 3
PSEUDO_RANDOM = 0x10


class Tampered(Exception):
    """A response, or a cryptogram, that is not the card's."""


def cmac(key, data):
    c = CMAC(algorithms.AES(key))
    c.update(data)
    return c.finalize()


def ecb(key, block):
    e = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return e.update(block) + e.finalize()


def cbc(key, iv, data):
    e = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return e.update(data) + e.finalize()


def cbc_open(key, iv, data):
    d = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    return d.update(data) + d.finalize()


def pad(data):
    """80 and zeros up to a whole block (Card Specification B.2.3)."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpad(data):
    body = data.rstrip(b"\0")
    if not body.endswith(b"\x80") or len(data) - len(body) >= BLOCK:
        raise Tampered("no padding in %s" % data.hex())
    return body[:-1]


def kdf(key, constant, context, bits):
    """Data derivation (4.1.5): NIST SP 800-108, counter mode, with CMAC."""
    out = b""
    counter = 1
    while len(out) * 8 < bits:
        out += cmac(key, bytes(11) + bytes([constant, 0])
                    + bits.to_bytes(2, "big") + bytes([counter]) + context)
        counter += 1
    return out[:bits // 8]


def check_value(key):
    """The check value of an AES key (Card Specification B.5)."""
    return ecb(key, b"\1" * BLOCK)[:3]


def pseudo_random(key_enc, counter, aid):
    """The card challenge that a counter of 3 bytes gives (6.2.2.1)."""
    return kdf(key_enc, CARD_CHALLENGE, counter + aid, CHALLENGE * 8)


class Keys:
    """The static keys of a version."""

    def __init__(self, enc, mac, dek):
        self.enc = enc
        self.mac = mac
        self.dek = dek

    def wrap(self, key):
        """A key under the DEK, as PUT KEY carries it (7.2)."""
        padded = key + bytes(-len(key) % BLOCK)
        return cbc(self.dek, ZERO_BLOCK, padded)


class Opening:
    """The fields of an answer to INITIALIZE UPDATE."""

    def __init__(self, data):
        if len(data) not in (29, 32):
            raise Tampered("INITIALIZE UPDATE answers %d bytes" % len(data))
        self.kdd = data[:KDD]
        self.kvn, self.scp, self.i = data[KDD:KDD + 3]
        self.challenge = data[13:21]
        self.cryptogram = data[21:29]
        self.counter = data[29:]


class Session:
    """A session's keys and counters; commands must be sent in order."""

    def __init__(self, keys, host_challenge, card_challenge):
        context = host_challenge + card_challenge
        bits = len(keys.enc) * 8
        self.enc = kdf(keys.enc, S_ENC, context, bits)
        self.mac = kdf(keys.mac, S_MAC, context, bits)
        self.rmac = kdf(keys.mac, S_RMAC, context, bits)
        self.card_cryptogram = kdf(self.mac, CARD_CRYPTOGRAM, context, 64)
        self.host_cryptogram = kdf(self.mac, HOST_CRYPTOGRAM, context, 64)
        self.chaining = ZERO_BLOCK
        self.counter = 0
        self.level = 0
        # What state() was before each command.
        self.past = []

    def state(self):
        """What the next command depends upon."""
        return self.chaining, self.counter

    def seal(self, command, data):
        """The command with these data, as they are, and its C-MAC (6.2.4).

        The MAC is made as if the command went to channel 0.
        """
        lc = len(data) + MAC
        alike = command.header((command.base & 0x80) | FIRST_SM, lc)
        self.chaining = cmac(self.mac, self.chaining + alike + data)
        cla = class_byte(command.base, command.channel, secured=True)
        return (command.header(cla, lc) + data + self.chaining[:MAC]
                + command.tail(lc))

    def external_authenticate(self, command):
        """EXTERNAL AUTHENTICATE; its P1 is the level from then on."""
        self.level = command.p1
        return self.seal(command, command.data)

    def icv(self, response=False):
        """What CBC begins with (6.2.6, 6.2.7)."""
        block = self.counter.to_bytes(BLOCK, "big")
        return ecb(self.enc, (b"\x80" + block[1:]) if response else block)

    def encrypt(self, padded):
        return cbc(self.enc, self.icv(), padded)

    def wrap(self, command):
        """A command as the session's level wants it."""
        data = command.data
        self.past.append(self.state())
        # Commands without data count too.
        self.counter += 1
        if data and self.level & C_ENC:
            data = self.encrypt(pad(data))
        return self.seal(command, data)

    def unwrap(self, data, sw):
        """The data of a response; Tampered when it is not as it must be."""
        if not self.level & R_MAC:
            return data
        # Errors come without data and without a MAC (6.2.5).
        if sw != 0x9000 and sw >> 8 not in (0x62, 0x63):
            if data:
                raise Tampered("data with the error %04X" % sw)
            return b""
        if len(data) < MAC:
            raise Tampered("no R-MAC in %d bytes" % len(data))
        body, mac = data[:-MAC], data[-MAC:]
        made = cmac(self.rmac, self.chaining + body + sw.to_bytes(2, "big"))
        if mac != made[:MAC]:
            raise Tampered("R-MAC %s, not %s" % (mac.hex(),
                                                 made[:MAC].hex()))
        if body and self.level & R_ENC:
            if len(body) % BLOCK:
                raise Tampered("%d bytes are no whole blocks" % len(body))
            body = unpad(cbc_open(self.enc, self.icv(response=True), body))
        return body
