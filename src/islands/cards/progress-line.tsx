import type { ReviewEntry } from './schedule.ts';

const mostStations = 24;
const secondsPerCard = 18;

/** The sitting as a line with stations: filled is done, hollow will come back, blue is now. */
export function ProgressLine({ sitting, left }: { sitting: readonly ReviewEntry[]; left: number }) {
  const total = sitting.length + left;
  const again = sitting.filter(({ rating }) => rating === 1).length;
  const now = Math.min(sitting.length + 1, total);
  // A long sitting shows the stations around the present one.
  const from = Math.max(0, Math.min(sitting.length - mostStations / 2, total - mostStations));
  const places = Array.from({ length: Math.min(total, mostStations) }, (_, index) => index + from);
  const done =
    places.length > 1 ? (places.indexOf(Math.min(sitting.length, total - 1)) / (places.length - 1)) * 100 : 0;
  const minutes = Math.max(1, Math.round((left * secondsPerCard) / 60));
  return (
    <div className="prog">
      <p className="dots" role="img" aria-label={`Card ${now} of ${total}`}>
        <span className="ridden" style={{ width: `${done}%` }} />
        {places.map((place) => (
          <i key={place} className={stationClass(place, sitting)} />
        ))}
      </p>
      <div>
        <span className="num">
          {now} of {total}, about {minutes} min left
        </span>
        <span>{again > 0 && `${again} will come back`}</span>
      </div>
    </div>
  );
}

function stationClass(place: number, sitting: readonly ReviewEntry[]): string {
  if (place === sitting.length) return 'n';
  const entry = sitting[place];
  if (!entry) return '';
  return entry.rating === 1 ? 'again' : 'd';
}
