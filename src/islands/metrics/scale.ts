/** One line of a chart, a figure for each step; null where there is none. */
export type Points = readonly (number | null)[];

const STEPS = [1, 2, 2.5, 5, 10];

/** The top of an axis that holds `most`: a round number, so that half of it is round too; 0 where there is nothing. */
export function topOf(most: number): number {
  if (!(most > 0)) return 0;
  const power = 10 ** Math.floor(Math.log10(most));
  return (STEPS.find((step) => step * power >= most * 0.999) ?? 10) * power;
}

export interface Box {
  width: number;
  height: number;
}

const at = (index: number, count: number, width: number): number => ((index + 0.5) / count) * width;

/** The line through the points, broken where there is none; a point alone is a short dash. */
export function linePath(points: Points, top: number, { width, height }: Box): string {
  const half = width / points.length / 2;
  let pen = '';
  return points
    .map((value, index) => {
      if (value === null) {
        pen = '';
        return '';
      }
      const x = at(index, points.length, width);
      const y = (height - (Math.min(value, top) / top) * height).toFixed(1);
      const alone = pen === '' && (points[index + 1] ?? null) === null;
      const command = pen === '' ? 'M' : 'L';
      pen = 'down';
      return alone ? `M${(x - half).toFixed(1)} ${y}h${(half * 2).toFixed(1)}` : `${command}${x.toFixed(1)} ${y}`;
    })
    .join('');
}

/** The ground under the points. */
export function areaPath(points: Points, top: number, { width, height }: Box): string {
  const line = points.map((value, index) => {
    const y = height - (Math.min(value ?? 0, top) / top) * height;
    return `L${at(index, points.length, width).toFixed(1)} ${y.toFixed(1)}`;
  });
  return `M0 ${height}${line.join('')}L${width} ${height}Z`;
}

/** Bars from the ground: what counts as a share and is mostly nothing. */
export function barsPath(points: Points, top: number, { width, height }: Box): string {
  const wide = Math.max(1, (width / points.length) * 0.7);
  return points
    .flatMap((value, index) => {
      if (!value) return [];
      const tall = Math.max(1.5, (Math.min(value, top) / top) * height);
      return [
        `M${(at(index, points.length, width) - wide / 2).toFixed(1)} ${height}v${(-tall).toFixed(1)}h${wide.toFixed(1)}v${tall.toFixed(1)}z`,
      ];
    })
    .join('');
}

export const mostOf = (...lines: readonly Points[]): number =>
  Math.max(0, ...lines.flatMap((line) => line.map((value) => value ?? 0)));

/** Index of the last point that has a figure; -1: none has. */
export const lastKnown = (points: Points): number => points.findLastIndex((value) => value !== null);
