/**
 * Cards of terms: shown on hover, focus or first touch; the pointer may move onto them; Escape puts them away.
 * The text of a card is in the page and describes its link, so a screen reader has it without any of this.
 */
const openDelayMs = 180;
const closeDelayMs = 220;

interface Pair {
  readonly link: HTMLElement;
  readonly card: HTMLElement;
}

let opened: Pair | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

function cardOf(target: EventTarget | null): Pair | undefined {
  if (!(target instanceof Element)) return undefined;
  const link = target.closest<HTMLElement>('a[data-card]');
  const card = link && document.getElementById(link.dataset['card'] ?? '');
  return link && card ? { link, card } : undefined;
}

function show(pair: Pair): void {
  if (opened?.card === pair.card) return;
  hide();
  pair.card.showPopover();
  place(pair);
  opened = pair;
}

function hide(): void {
  clearTimeout(timer);
  if (opened?.card.matches(':popover-open')) opened.card.hidePopover();
  opened = undefined;
}

function place({ link, card }: Pair): void {
  const line = link.getClientRects()[0] ?? link.getBoundingClientRect();
  const size = card.getBoundingClientRect();
  const left = Math.max(8, Math.min(line.left, document.documentElement.clientWidth - size.width - 8));
  const below = line.bottom + 6;
  const fits = below + size.height < innerHeight - 8;
  card.style.left = `${left}px`;
  card.style.top = `${fits ? below : Math.max(8, line.top - size.height - 6)}px`;
}

function later(run: () => void, ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(run, ms);
}

document.addEventListener('pointerover', (event) => {
  if (event.pointerType === 'touch') return;
  const pair = cardOf(event.target);
  if (pair) later(() => show(pair), openDelayMs);
  else if (event.target instanceof Element && event.target.closest('.hover-card')) clearTimeout(timer);
  else if (opened && document.activeElement !== opened.link) later(hide, closeDelayMs);
  else clearTimeout(timer);
});
document.addEventListener('focusin', (event) => {
  const pair = cardOf(event.target);
  if (pair?.link.matches(':focus-visible')) show(pair);
  // Tab goes from the link into its card.
  else if (!(event.target instanceof Element && opened?.card.contains(event.target))) hide();
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') hide();
});
// What moves the link puts its card away; another part of the page may scroll.
document.addEventListener(
  'scroll',
  ({ target }) => {
    if (opened && target instanceof Node && target.contains(opened.link)) hide();
  },
  { passive: true, capture: true },
);
// The first touch shows the card, the second follows the link; a touch elsewhere puts the card away.
document.addEventListener('click', (event) => {
  const pair = cardOf(event.target);
  const touch = event instanceof PointerEvent && event.pointerType === 'touch';
  if (pair && touch && opened?.card !== pair.card) {
    event.preventDefault();
    show(pair);
  } else if (!pair) {
    hide();
  }
});
