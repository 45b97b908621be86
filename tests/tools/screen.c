/* tests/tools/screen.c -- screen COLUMNS: what a terminal of that width shows in the end of the
 * bytes on stdin: \r, \n, \b, \033[K and wrapped rows are as there, colours are left out. Anything
 * else that is no text is an error: it should not have come out. Blanks at the ends of rows and
 * empty rows at the end are not printed. */
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { ROWS = 4000, WIDE = 400 };

static wchar_t cells[ROWS][WIDE];
static size_t columns, row, column, last;

static void fail(const char *what, unsigned long c)
{
	fprintf(stderr, "screen: %s %lx\n", what, c);
	exit(1);
}

static void next_row(void)
{
	if (++row == ROWS)
		fail("too many rows:", ROWS);
	if (row > last)
		last = row;
}

/* A character that does not fit goes to the next row; one that fills the row does not, yet. */
static void put(wchar_t c)
{
	int width = wcwidth(c);

	if (width < 0)
		fail("no text:", (unsigned long)c);
	if (width == 0)
		return;
	if (column + (size_t)width > columns) {
		next_row();
		column = 0;
	}
	cells[row][column] = c;
	if (width == 2)
		cells[row][column + 1] = L'\0'; /* the other half */
	column += (size_t)width;
}

static void erase(void)
{
	size_t from = column < columns ? column : columns - 1;

	for (size_t i = from; i < columns; i++)
		cells[row][i] = L' ';
}

/* Behind ESC: \033[K, or the colours that end in m. */
static void escape(void)
{
	wint_t c = getwchar();

	if (c != L'[')
		fail("escape", c);
	while ((c = getwchar()) != WEOF && c != L'\0' && wcschr(L"0123456789;", (wchar_t)c))
		;
	if (c == L'K')
		erase();
	else if (c != L'm')
		fail("escape sequence", c);
}

static void print(void)
{
	while (last > 0 && wcsspn(cells[last], L" ") == columns)
		last--;
	for (size_t r = 0; r <= last; r++) {
		size_t n = columns;

		while (n > 0 && cells[r][n - 1] == L' ')
			n--;
		for (size_t i = 0; i < n; i++)
			if (cells[r][i])
				putwchar(cells[r][i]);
		putwchar(L'\n');
	}
}

int main(int argc, char **argv)
{
	wint_t c;

	setlocale(LC_ALL, "");
	columns = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
	if (columns == 0 || columns >= WIDE)
		fail("usage: screen COLUMNS, below", WIDE);
	for (size_t r = 0; r < ROWS; r++)
		wmemset(cells[r], L' ', columns);
	while ((c = getwchar()) != WEOF) {
		if (c == L'\r')
			column = 0;
		else if (c == L'\n')
			next_row();
		else if (c == L'\b')
			column -= column > 0;
		else if (c == L'\033')
			escape();
		else
			put((wchar_t)c);
	}
	if (ferror(stdin))
		fail("not in the encoding of the locale", 0);
	print();
	return 0;
}
