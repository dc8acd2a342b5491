"""What the first bytes of a file say against its name, without Spark: for `ingest` and for `rate`."""

LFS_POINTER = b"version https://git-lfs.github.com/spec"
LFS_REASON = "a Git LFS pointer instead of the data; run git lfs pull"
_GZIP = b"\x1f\x8b"
# Texts in UTF-16, whichever byte comes first.
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def unlike_its_name(path: str) -> str | None:
    """Why a file would be read as something that it is not; None where its first bytes say nothing against it."""
    with open(path, "rb") as stream:
        start = stream.read(len(LFS_POINTER))
    if start == LFS_POINTER:
        return LFS_REASON
    if start.startswith(_GZIP) and not path.lower().endswith(".gz"):
        return "compressed with gzip, but its name does not end in .gz; add .gz to the name"
    if start.startswith(_UTF_16):
        return "UTF-16; save the file as UTF-8"
    return None
