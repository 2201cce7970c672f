import { useEffect, useRef } from 'react';
import { giveCards } from '../../components/word-cards.ts';
import { useLab } from '../parts/use-store.ts';

/** Text of a step, made from our own Markdown by the server. Commands in it get a button that runs them in the terminal. */
export function StepText({ html }: { html: string }) {
  const lab = useLab();
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    element.replaceChildren(document.createRange().createContextualFragment(html));
    for (const command of element.querySelectorAll<HTMLElement>('[data-run]')) addRunButton(command);
    void giveCards(element);
  }, [html]);
  useEffect(() => {
    const element = place.current;
    const click = (event: MouseEvent): void => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-command]') : null;
      const line = button?.dataset['command'];
      if (line !== undefined) lab.runInTerminal?.(line);
    };
    element?.addEventListener('click', click);
    return () => element?.removeEventListener('click', click);
  }, [lab]);
  return <div className="step prose" ref={place} />;
}

function addRunButton(command: HTMLElement): void {
  const line = command.dataset['run'] || command.textContent.trim();
  if (command instanceof HTMLButtonElement) {
    command.dataset['command'] = line;
    return;
  }
  if (command.tagName === 'PRE') command.tabIndex = 0;
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'run-command';
  button.dataset['command'] = line;
  button.textContent = 'Run';
  button.setAttribute('aria-label', `Run in the terminal: ${line}`);
  command.classList.add('runnable');
  command.after(button);
}
