"""The catalogue's pages: the audio of tracks that lie on this machine."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.views.decorators.http import require_safe

from catalogue.audio import AudioFile, FilePart, RangeNotSatisfiable, find_audio, parse_range
from catalogue.models import Track
from emotune.http import AppRequest


@require_safe
@login_required
def audio(request: AppRequest, track_id: int) -> HttpResponseBase:
    """Send a track's audio, or the part of it that the player asks for, so that one can seek."""
    track = get_object_or_404(Track.objects.only("audio"), pk=track_id)
    file = find_audio(track.audio)
    if file is None:
        raise Http404("This track has no audio here.")
    modified = file.modified_ns // 1_000_000_000
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Length": str(file.size),
        "Content-Type": file.content_type,
        "ETag": file.etag,
        "Last-Modified": http_date(modified),
    }
    bare = HttpResponse(headers=headers)
    checked = get_conditional_response(request, etag=file.etag, last_modified=modified, response=bare)
    # A range has a meaning for GET alone (RFC 9110, section 14.2).
    if checked is not bare or request.method == "HEAD":
        return checked or bare
    try:
        part = requested_part(request, file, headers)
    except RangeNotSatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{file.size}", "Cache-Control": "no-store"})
    start, length = part or (0, file.size)
    if part:
        headers |= {"Content-Length": str(length), "Content-Range": f"bytes {start}-{start + length - 1}/{file.size}"}
    return StreamingHttpResponse(FilePart(file.path, start, length), status=206 if part else 200, headers=headers)


def requested_part(request: AppRequest, file: AudioFile, headers: dict[str, str]) -> tuple[int, int] | None:
    """Return the part that the request asks for, or None for the whole, as when the file has changed since."""
    if request.headers.get("If-Range", file.etag) not in (file.etag, headers["Last-Modified"]):
        return None
    return parse_range(request.headers.get("Range", ""), file.size)
