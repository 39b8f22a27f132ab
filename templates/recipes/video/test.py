"""A video made smaller, as MediaInfo reads it: a reader of its own, with no code of FFmpeg's."""

import io
import struct
import subprocess
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from pymediainfo import MediaInfo, Track

from app.jobs.job_name import source
from app.jobs.job_name.kind import KIND
from app.offload import Refused
from app.offload.errors import Interrupted
from app.offload.testing import Outcome, run_directly

RATE, SOUND_RATE, TONE = 25, 44_100, 440  # frames, samples and waves a second
WIDTH, HEIGHT, FRAMES = 320, 240, 25
ONE_TO_ONE, CLOCKWISE = 1 << 16, (0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)


def make(
    path: Path,
    *,
    times: Sequence[int] = range(FRAMES),
    codec: str = "libx264",
    shape: Fraction = Fraction(1),
    with_sound: bool = True,
) -> Path:
    """A video: blue above, and below it red that grows from the left; a tone with it."""
    with av.open(path, "w") as container:
        options = {"preset": "ultrafast"} if codec == "libx264" else {}
        video = container.add_stream(codec, rate=RATE, options=options)
        video.width, video.height = WIDTH, HEIGHT
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        video.codec_context.sample_aspect_ratio = shape
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if with_sound else None
        for number, time in enumerate(times):
            pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            pixels[:, : WIDTH * (number + 1) // len(times)] = (255, 0, 0)
            pixels[: HEIGHT // 4] = (0, 0, 255)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, RATE)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound:
            put_tone(container, sound, (times[-1] + 1) / RATE)
    return path


def put_tone(
    container: av.container.OutputContainer, stream: av.audio.stream.AudioStream, seconds: float
) -> None:
    """Some seconds of a tone."""
    samples = np.arange(int(SOUND_RATE * seconds)) / SOUND_RATE
    wave = (np.sin(2 * np.pi * TONE * samples) * 20_000).astype(np.int16)
    for start in range(0, len(wave), 1024):
        block = wave[None, start : start + 1024]
        frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE, start
        frame.time_base = Fraction(1, SOUND_RATE)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second with sound, as an MP4."""
    return make(tmp_path_factory.mktemp("video") / "sample.mp4")


def run(video: Path | bytes, height: int = 120) -> Outcome[KIND.result]:
    """What comes of a video."""
    outcome = run_directly(KIND, KIND.params(height=height), files={"video": video})
    assert list(outcome.artifacts) == ["video.mp4", "poster.jpg", "contact-strip.jpg"]
    assert outcome.progress == sorted(outcome.progress) and outcome.progress[-1] == 1
    return outcome


def read(content: bytes) -> dict[str, Track]:
    """What MediaInfo says of a file, by General, Video and Audio."""
    return {track.track_type: track for track in MediaInfo.parse(io.BytesIO(content)).tracks}


def colours(content: bytes) -> np.ndarray:
    """The pixels of a picture: 0 black, 1 red, 2 green, 4 blue."""
    bits = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")) > 128
    return bits @ np.array([1, 2, 4])


def test_it_is_smaller_and_plays_in_every_browser(sample: Path) -> None:
    outcome = run(sample)
    found = read(outcome.artifacts["video.mp4"])
    general, video, sound = found["General"], found["Video"], found["Audio"]
    assert general.isstreamable == "Yes"  # the index comes before what it tells of
    assert (video.format, sound.format) == ("AVC", "AAC")
    assert (video.width, video.height, int(video.frame_count)) == (160, 120, FRAMES)
    assert (video.chroma_subsampling, video.bit_depth) == ("4:2:0", 8)
    assert video.duration == 1000 * FRAMES / RATE
    assert sound.duration == pytest.approx(video.duration, abs=50)
    result = outcome.result
    assert (result.width, result.height, result.frames) == (160, 120, FRAMES)
    assert result.seconds == pytest.approx(general.duration / 1000, abs=0.05)
    assert result.bytes_after == len(outcome.artifacts["video.mp4"])
    assert len(outcome.progress) == FRAMES + 1


def test_the_sound_is_still_the_tone(sample: Path) -> None:
    with av.open(io.BytesIO(run(sample).artifacts["video.mp4"])) as container:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    waves = np.count_nonzero(np.diff(np.signbit(heard[rate // 4 : rate * 3 // 4])))
    assert waves == pytest.approx(TONE, abs=2)


def test_the_pictures_are_of_the_video(sample: Path) -> None:
    kept = run(sample).artifacts
    poster, strip = colours(kept["poster.jpg"]), colours(kept["contact-strip.jpg"])
    assert (poster.shape, strip.shape) == ((120, 160), (120, 6 * 160))
    assert (poster[:25] == 4).all()
    red = [(strip[70, left : left + 160] == 1).mean() for left in range(0, 6 * 160, 160)]
    assert red == sorted(red) and red[0] < 0.1 and red[-1] > 0.75
    with av.open(io.BytesIO(kept["video.mp4"])) as container:
        *_, last = container.decode(video=0)
    pixels = last.to_ndarray(format="rgb24") > 128
    assert (pixels[60:] == (True, False, False)).all() and (pixels[:25, :, 2]).all()


@pytest.mark.parametrize("name", ["a.avi", "a.flv", "a.mkv", "a.mov", "a.mpg", "a.ts"])
def test_other_containers_are_read(tmp_path: Path, name: str) -> None:
    codec = {"a.avi": "mpeg4", "a.mpg": "mpeg2video"}.get(name, "libx264")
    with_sound = name != "a.mpg"  # which takes no AAC
    outcome = run(make(tmp_path / name, codec=codec, with_sound=with_sound))
    video = read(outcome.artifacts["video.mp4"])["Video"]
    assert outcome.result.frames == FRAMES
    assert outcome.result.has_sound == with_sound
    assert (video.width, video.height) == (160, 120)
    assert video.duration == pytest.approx(1000 * FRAMES / RATE, abs=50)


def test_times_are_kept_where_frames_are_far_apart(tmp_path: Path) -> None:
    times = [*range(10), *range(60, 70)]
    video = read(run(make(tmp_path / "a.mkv", times=times)).artifacts["video.mp4"])["Video"]
    assert (int(video.frame_count), video.frame_rate_mode) == (20, "VFR")
    assert video.duration == pytest.approx(1000 * 70 / RATE, abs=50)


def test_a_video_is_never_made_larger(sample: Path) -> None:
    video = read(run(sample, height=1080).artifacts["video.mp4"])["Video"]
    assert (video.width, video.height) == (WIDTH, HEIGHT)


def test_what_was_filmed_upright_is_shown_upright(sample: Path, tmp_path: Path) -> None:
    turned = bytearray(sample.read_bytes())
    plain = struct.pack(">9i", ONE_TO_ONE, 0, 0, 0, ONE_TO_ONE, 0, 0, 0, 1 << 30)
    at = turned.index(plain, turned.index(b"tkhd"))  # ISO/IEC 14496-12, 8.3.2
    turned[at : at + len(plain)] = struct.pack(">9i", *CLOCKWISE)
    assert read(bytes(turned))["Video"].rotation == "90.000"
    kept = run(bytes(turned)).artifacts
    video = read(kept["video.mp4"])["Video"]
    assert (video.width, video.height, float(video.rotation or 0)) == (90, 120, 0)
    poster = colours(kept["poster.jpg"])
    assert poster.shape == (120, 90)
    assert (poster[:, -18:] == 4).all() and not (poster[:, :60] == 4).any()


def test_pixels_that_are_no_squares_are_made_so(tmp_path: Path) -> None:
    wide = make(tmp_path / "a.mp4", shape=Fraction(2))
    video = read(run(wide).artifacts["video.mp4"])["Video"]
    assert (video.width, video.height) == (320, 120)
    assert float(video.pixel_aspect_ratio) == 1


def test_a_camera_that_writes_jpegs_keeps_its_colours(tmp_path: Path) -> None:
    kept = run(make(tmp_path / "a.avi", codec="mjpeg", with_sound=False)).artifacts
    assert (colours(kept["poster.jpg"])[:25] == 4).all()


def test_what_has_no_video_is_refused(tmp_path: Path) -> None:
    with av.open(song := tmp_path / "song.mp4", "w") as container:
        put_tone(container, container.add_stream("aac", rate=SOUND_RATE, layout="mono"), 1)
    with pytest.raises(Refused, match=r"^The file has no video stream\.$"):
        run(song)


def test_a_cover_is_no_video(tmp_path: Path) -> None:
    with av.open(song := tmp_path / "song.mp4", "w") as container:
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        container.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        container.mux(cover.encode(None))
        put_tone(container, sound, 1)
    with pytest.raises(Refused, match="no video stream"):
        run(song)


@pytest.mark.parametrize("name", ["a.mkv", "a.mov"])
def test_what_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    whole = make(tmp_path / name).read_bytes()
    with pytest.raises(Refused, match=r"cut off|damaged|its index is missing"):
        run(whole[: len(whole) // 2])


@pytest.mark.parametrize("content", [b"", b"no video", bytes(100_000)])
def test_what_is_no_video_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match=r"^The file is none of asf,[^\n]+$"):
        run(content)


@pytest.mark.parametrize("name", ["list.m3u8", "list.ffconcat"])
def test_a_playlist_reads_no_other_file(sample: Path, tmp_path: Path, name: str) -> None:
    other = make(sample.with_name("other.ts"))
    playlist = tmp_path / name
    if name == "list.m3u8":
        lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:9", "#EXTINF:9,", str(other), "#EXT-X-ENDLIST")
        playlist.write_text("\n".join(lines))
    else:
        playlist = other.with_name(name)
        playlist.write_text(f"ffconcat version 1.0\nfile {other.name}\n")
    with av.open(playlist) as unguarded:  # as FFmpeg does when it is not told otherwise
        assert next(unguarded.decode(video=0)).width == WIDTH
    with pytest.raises(Refused, match="The file is none of"):
        run(playlist)


def test_a_frame_that_grows_on_the_way_is_not_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with av.open(film := tmp_path / "a.avi", "w") as container:
        stream = container.add_stream("mjpeg", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number, factor in enumerate((1, 1, 2)):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height = WIDTH * factor, HEIGHT * factor
            encoder.pix_fmt, encoder.time_base = "yuvj420p", Fraction(1, RATE)
            frame = av.VideoFrame(encoder.width, encoder.height, "yuvj420p")
            for packet in (*encoder.encode(frame), *encoder.encode(None)):
                packet.stream, packet.pts, packet.dts = stream, number, number
                container.mux(packet)
    assert run(film).result.frames == 3
    monkeypatch.setattr(source, "MOST_PIXELS", WIDTH * HEIGHT)
    with pytest.raises(Refused, match="The video is damaged"):
        run(film)


def test_frames_that_are_too_large_are_refused(
    sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MOST_PIXELS", WIDTH * HEIGHT - 1)
    with pytest.raises(Refused, match=r"more than 76,799 pixels a frame\.$"):
        run(sample)


def test_a_stop_is_heeded_between_frames(sample: Path) -> None:
    with pytest.raises(Interrupted):
        run_directly(KIND, KIND.params(), files={"video": sample}, stop_after=5)


def test_the_api_does_not_load_ffmpeg() -> None:
    program = f"import sys, {KIND.params.__module__}; sys.exit('av' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=True)
