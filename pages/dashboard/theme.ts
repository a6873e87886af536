import { make } from './element.ts';

const STORED_AS = 'edgesift-theme';
const THEMES = ['system', 'light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

/** A choice of theme, which this browser remembers; `system` follows the settings of the machine. */
export function createThemeSwitch(): HTMLElement {
  const stored = localStorage.getItem(STORED_AS);
  apply(THEMES.find((theme) => theme === stored) ?? 'system');
  const options = THEMES.map((theme) =>
    make('option', { value: theme, selected: theme === (stored ?? 'system') }, `Theme: ${theme}`),
  );
  const select = make('select', { 'aria-label': 'Theme', class: 'quiet' }, ...options);
  select.addEventListener('change', () => {
    const theme = THEMES.find((name) => name === select.value) ?? 'system';
    localStorage.setItem(STORED_AS, theme);
    apply(theme);
  });
  return select;
}

function apply(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
}
