/**
 * Which pattern a version wears: 1 solid, 2 stripes, 3 dots, 4 a ring in ink. `v2` wears the second whatever else runs; names
 * without such a number go by their place among the service's versions.
 */
export function patternOf(version: string, versions: readonly string[]): number {
  const number = /^v?([1-9]\d*)$/.exec(version)?.[1];
  const place = number === undefined ? [...versions].sort().indexOf(version) + 1 : Number(number);
  return place >= 1 && place <= 3 ? place : 4;
}
