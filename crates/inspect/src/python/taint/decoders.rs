//! What turns data into other data that could not be read before: one line each. Decoders of a constant
//! are carried out by `fold`; of anything else, they only leave their label.

use super::super::label::Label;

/// Name, the label its result gets, the argument that is decoded.
pub(super) static DECODERS: &[(&str, Label)] = &[
    (
        "base64.{b64decode,b32decode,b16decode,b85decode,a85decode,b32hexdecode,z85decode}",
        Label::Decoded,
    ),
    (
        "base64.{standard_b64decode,urlsafe_b64decode,decodebytes,decodestring}",
        Label::Decoded,
    ),
    (
        "binascii.{a2b_base64,a2b_hex,unhexlify,a2b_uu,a2b_qp,rlecode_hqx}",
        Label::Decoded,
    ),
    (
        "codecs.{decode,encode,getdecoder,getencoder,lookup,escape_decode}",
        Label::Decoded,
    ),
    (
        "zlib.{decompress,decompressobj().decompress}",
        Label::Decoded,
    ),
    ("gzip.{decompress,GzipFile,open}", Label::Decoded),
    (
        "bz2.{decompress,BZ2Decompressor().decompress,open}",
        Label::Decoded,
    ),
    (
        "lzma.{decompress,LZMADecompressor().decompress,open}",
        Label::Decoded,
    ),
    ("brotli.decompress", Label::Decoded),
    ("zstandard.ZstdDecompressor().decompress", Label::Decoded),
    (
        "compression.{zlib,gzip,bz2,lzma,zstd}.decompress",
        Label::Decoded,
    ),
    ("marshal.{loads,load}", Label::Decoded),
    ("builtins.{bytes,bytearray,str}.fromhex", Label::Decoded),
    ("quopri.decodestring", Label::Decoded),
    (
        "struct.{pack,unpack,unpack_from,iter_unpack}",
        Label::Decoded,
    ),
    ("uu.decode", Label::Decoded),
    ("cryptography.fernet.Fernet().decrypt", Label::Decrypted),
    (
        "cryptography.fernet.MultiFernet().decrypt",
        Label::Decrypted,
    ),
    (
        "Crypto.Cipher.{AES,DES,DES3,ARC4,ChaCha20,Blowfish,Salsa20}.new().{decrypt,decrypt_and_verify}",
        Label::Decrypted,
    ),
    (
        "cryptography.hazmat.primitives.ciphers.Cipher().decryptor().update",
        Label::Decrypted,
    ),
    (
        "cryptography.hazmat.primitives.ciphers.aead.{AESGCM,ChaCha20Poly1305,AESCCM}().decrypt",
        Label::Decrypted,
    ),
    (
        "pyaes.{AESModeOfOperationCTR,AESModeOfOperationCBC,AESModeOfOperationECB,AESModeOfOperationOFB}().decrypt",
        Label::Decrypted,
    ),
    ("nacl.secret.SecretBox().decrypt", Label::Decrypted),
    ("rsa.decrypt", Label::Decrypted),
    ("rncryptor.decrypt", Label::Decrypted),
];
