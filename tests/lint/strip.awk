# tests/lint/strip.awk -- C without its comments and without what stands in strings and character constants:
# FILE:LINE:CODE for each line. With -v strings=1 strings are kept. A // comment is shown as //.

FNR == 1 { inside = 0 }
{
	out = ""
	line = $0
	while (line != "") {
		if (inside) {
			end = index(line, "*/")
			if (!end)
				break
			line = substr(line, end + 2)
			inside = 0
			continue
		}
		# the next thing of interest: a comment, a string, a character constant
		if (!match(line, /\/\*|\/\/|"|'/)) {
			out = out line
			break
		}
		out = out substr(line, 1, RSTART - 1)
		what = substr(line, RSTART, RLENGTH)
		rest = substr(line, RSTART + RLENGTH)
		if (what == "/*") {
			inside = 1
			out = out " "
			line = rest
		} else if (what == "//") {
			out = out "//"
			break
		} else {
			body = what == "\"" ? "([^\"\\\\]|\\\\.)*\"" : "([^'\\\\]|\\\\.)*'"
			if (!match(rest, "^" body)) { # not closed on this line
				out = out what
				break
			}
			out = out what (strings ? substr(rest, 1, RLENGTH - 1) : "") what
			line = substr(rest, RLENGTH + 1)
		}
	}
	print FILENAME ":" FNR ":" out
}
