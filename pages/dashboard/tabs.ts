import { make, newId } from './element.ts';

/** Panels of which one is shown (WAI-ARIA Authoring Practices: tabs with automatic activation). */
export function createTabs(label: string, panels: readonly { title: string; content: Node }[]): HTMLElement {
  const list = make('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
  const element = make('div', {}, list);
  const tabs = panels.map(({ title, content }) => {
    const [tabId, panelId] = [newId('tab'), newId('panel')];
    const tab = make('button', { type: 'button', role: 'tab', id: tabId, 'aria-controls': panelId }, title);
    const panel = make('div', { role: 'tabpanel', id: panelId, 'aria-labelledby': tabId }, content);
    list.append(tab);
    element.append(panel);
    return { tab, panel };
  });
  const select = (selected: number) => {
    for (const [index, { tab, panel }] of tabs.entries()) {
      const isSelected = index === selected;
      tab.setAttribute('aria-selected', String(isSelected));
      tab.tabIndex = isSelected ? 0 : -1;
      panel.hidden = !isSelected;
    }
  };
  for (const [index, { tab }] of tabs.entries()) {
    tab.addEventListener('click', () => select(index));
    tab.addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const next = (index + step + tabs.length) % tabs.length;
      select(next);
      tabs[next]?.tab.focus();
    });
  }
  select(0);
  return element;
}
