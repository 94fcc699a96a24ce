import "./mosaic.css";

/** A few thumbnails; empty places stay quiet so that nothing moves when images arrive. */
export function Mosaic({ urls, count, columns }: { urls: readonly string[]; count: number; columns: number }) {
  return (
    <div class="mosaic" style={{ gridTemplateColumns: `repeat(${columns}, 1fr)` }} aria-hidden="true">
      {Array.from({ length: count }, (_, at) => (
        <span key={at}>{urls[at] && <img src={urls[at]} alt="" loading="lazy" decoding="async" />}</span>
      ))}
    </div>
  );
}
