"""Images a second from files to unit vectors, beside the pure forward of the same model in the same run.

`python -m ml.bench encode --images PATH --encoder NAME --json`
"""

import argparse
import io
import json
import os
import platform
import resource
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import PIL
import pyarrow.parquet as pq
import torch

from ml.bench._encode_rivals import PlainLoop, matmul_ceiling_tflops
from ml.data.decode_rgb import decode_rgb, sniff_format
from ml.data.preprocess import to_pixels
from ml.encoders import Encoder, EncodingPipeline, load_encoder
from ml.errors import ConfigError

Item = tuple[object, bytes]


def main(argv: list[str]) -> int:
    """Measure and print; `--json` prints one JSON object on one line."""
    options = _parser().parse_args(argv)
    if options.threads:
        torch.set_num_threads(options.threads)
    result = measure(options)
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key:32} {value}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ml.bench encode", description=__doc__)
    parser.add_argument("--images", type=Path, required=True, help="a folder, or a Parquet file with an image column")
    parser.add_argument("--encoder", default="demo", help="any encoder name; open_clip:NAME/random has random weights")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="auto", choices=["auto", "float32", "bfloat16"])
    parser.add_argument("--limit", type=int, default=512, help="images a round; fewer files are repeated")
    parser.add_argument(
        "--rounds", type=int, default=3, help="forward and stream take turns; the best round of each counts"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 2, help="decoder processes")
    parser.add_argument(
        "--shorter-side", type=int, help="re-encode the images first, as ingest stores its small copies (JPEG, q90)"
    )
    parser.add_argument("--batch-size", type=int, default=None)
    parser.add_argument("--threads", type=int, default=None, help="threads of torch on the processor")
    parser.add_argument("--compile", action="store_true", help="torch.compile the image tower")
    parser.add_argument("--baseline", action="store_true", help="also the open_clip + DataLoader loop of its README")
    parser.add_argument("--matmul-ceiling", action="store_true", help="also the matrix product rate of the device")
    parser.add_argument("--json", action="store_true")
    return parser


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Everything that the command prints, as plain values.

    Forward, stream and rival take turns, and the best round of each counts: whatever else runs on the machine can
    only slow a round down.
    """
    images = list(read_images(options.images, limit=options.limit))
    if options.shorter_side:
        images = [(key, _reencoded(data, options.shorter_side)) for key, data in images]
    encoder = load_encoder(options.encoder, device=options.device, dtype=options.dtype)
    if options.batch_size:
        encoder.forward.batch_size = options.batch_size
    if options.compile:
        encoder.forward.compile()
    decode_rate = decode_rate_of(encoder, images[:1000])
    rival = PlainLoop(options.encoder, device=encoder.device, workers=options.workers) if options.baseline else None
    rival_images = images[:256] if encoder.device.type == "cpu" else images
    forward, stream, plain = [], [], []
    with EncodingPipeline(encoder, workers=options.workers) as pipeline:
        drain(pipeline, images[: max(64, 2 * encoder.forward.batch_size)])
        for _ in range(options.rounds):
            forward.append(forward_rate(encoder, len(images)))
            stream.append(drain(pipeline, images))
            if rival:
                plain.append(rival.rate(rival_images))
        peak = peak_rss_mb(pipeline.process_ids)
    result: dict[str, Any] = {
        "images_per_s": round(max(stream), 1),
        "forward_images_per_s": round(max(forward), 1),
        "ratio": round(max(stream) / max(forward), 3),
        "decode_images_per_s_per_core": round(decode_rate, 1),
        "peak_rss_mb": round(peak),
        **_circumstances(encoder, options, count=len(images)),
    }
    if options.matmul_ceiling:
        result |= _against_ceiling(encoder, max(forward))
    if rival:
        result |= {"baseline_images_per_s": round(max(plain), 1), "speedup": round(max(stream) / max(plain), 2)}
    return result


def _circumstances(encoder: Encoder, options: argparse.Namespace, *, count: int) -> dict[str, Any]:
    return {
        "encoder": encoder.spec.name,
        "device": _device_name(encoder.device),
        "dtype": str(encoder.forward.dtype).removeprefix("torch."),
        "batch_size": encoder.forward.batch_size,
        "images": count,
        "shorter_side": options.shorter_side,
        "rounds": options.rounds,
        "workers": options.workers,
        "threads": torch.get_num_threads(),
        "compiled": options.compile,
        "versions": f"python {platform.python_version()}, torch {torch.__version__}, pillow {PIL.__version__}",
    }


def read_images(path: Path, *, limit: int) -> Iterator[Item]:
    """`limit` images of a folder (recursively) or of a Parquet file's `image` column; repeated where there are fewer.

    Raises:
        ConfigError: There is no image at `path`.
    """
    if not path.exists():
        raise ConfigError(f"there is nothing at {path}")
    found: list[Item] = []
    for item in _parquet_images(path) if path.suffix == ".parquet" else _folder_images(path):
        if len(found) >= limit:
            break
        found.append(item)
    if not found:
        raise ConfigError(f"{path} holds no JPEG, PNG, WebP or GIF image")
    for position in range(limit):
        yield found[position % len(found)]


def _folder_images(path: Path) -> Iterator[Item]:
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        data = file.read_bytes()
        if sniff_format(data):
            yield str(file), data


def _parquet_images(path: Path) -> Iterator[Item]:
    file = pq.ParquetFile(path)
    if "image" not in file.schema_arrow.names:
        raise ConfigError(f"{path} has the columns {file.schema_arrow.names}, and needs one called image")
    position = 0
    for batch in file.iter_batches(256, columns=["image"]):
        for value in batch["image"].to_pylist():
            yield position, value["bytes"] if isinstance(value, dict) else value
            position += 1


def _reencoded(data: bytes, shorter_side: int) -> bytes:
    image = decode_rgb(data).image
    scale = shorter_side / min(image.size)
    buffer = io.BytesIO()
    image.resize((round(image.width * scale), round(image.height * scale))).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def drain(pipeline: EncodingPipeline, images: Iterable[Item]) -> float:
    """Images a second through the whole pipeline."""
    started, count = time.perf_counter(), 0
    for batch in pipeline.encode(images):
        count += len(batch.keys)
    return count / (time.perf_counter() - started)


def forward_rate(encoder: Encoder, count: int) -> float:
    """Images a second of the bare image tower: batches that are already normalised and on the device."""
    forward, device = encoder.forward, encoder.device
    size = min(forward.batch_size, count)
    height, width = encoder.preprocessing.size
    pixels = torch.zeros(size, height, width, 3, dtype=torch.uint8).random_(0, 256, generator=_generator())
    with torch.inference_mode():
        batch = forward.normalised(pixels.numpy())
        forward.features(batch)
        _wait(device)
        started, done = time.perf_counter(), 0
        while done < count or time.perf_counter() - started < 1.0:
            forward.features(batch)
            done += size
        _wait(device)
        return done / (time.perf_counter() - started)


def decode_rate_of(encoder: Encoder, images: list[Item]) -> float:
    """Images a second of processor time from bytes to pixels, in this process: what one core can do at most."""
    preprocessing = encoder.preprocessing
    started = time.process_time()
    for _, data in images:
        to_pixels(decode_rgb(data, at_least=preprocessing.decode_at_least).image, preprocessing)
    return len(images) / (time.process_time() - started)


def peak_rss_mb(process_ids: list[int]) -> float:
    """Peak of this process and of those, summed. Linux only; elsewhere this process alone."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    files = [Path(f"/proc/{process_id}/status") for process_id in process_ids]
    lines = [line for file in files if file.is_file() for line in file.read_text().splitlines()]
    return (own + sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))) / 1024


def _against_ceiling(encoder: Encoder, forward: float) -> dict[str, Any]:
    ceiling = matmul_ceiling_tflops(encoder.device, encoder.forward.dtype)
    flops = flops_an_image(encoder)
    used = forward * flops / 1e12
    return {
        "matmul_ceiling_tflops": round(ceiling, 1),
        "gflops_an_image": round(flops / 1e9, 2),
        "forward_tflops": round(used, 2),
        "share_of_ceiling": round(used / ceiling, 3),
    }


def flops_an_image(encoder: Encoder) -> float:
    """Floating point operations (two a multiplication-addition) of matrix products and convolutions for one image."""
    from torch.utils.flop_counter import FlopCounterMode

    height, width = encoder.preprocessing.size
    batch = torch.zeros(1, 3, height, width, device=encoder.device, dtype=encoder.forward.dtype)
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the counter does not see into the fused attention
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            encoder.forward.features(batch)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return float(counter.get_total_flops())


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"{device.type} ({processor_name()})"


def processor_name() -> str:
    """How many cores of which kind, such as "2 × Intel(R) Xeon(R) Processor"."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} × {names[0]}" if names else platform.processor()


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
