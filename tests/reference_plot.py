"""Small pictures for reference tables: panels of lines, and of bars, as SVG without any library.

The same numbers give the same bytes.
"""
from xml.sax.saxutils import escape

COLOURS = ["#d55e00", "#0072b2", "#009e73", "#cc79a7"]  # Okabe and Ito
WIDTH, HEIGHT, LEFT, TOP, GAP_X, GAP_Y = 300, 170, 60, 70, 45, 58


def nice(most):
    """The next number of the form 1, 2, 4, 5 or 8 times a power of ten: its quarters are short."""
    step = 1.0
    while step * 10 < most:
        step *= 10
    while step > most:
        step /= 10
    return next(step * i for i in (1, 2, 4, 5, 8, 10) if step * i >= most * 0.9999)


def short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return "%.3g%s" % (value / size, letter)
    return "%.3g" % value


class Picture:
    def __init__(self, title, columns, rows, labels):
        self.columns, self.labels = columns, labels
        width = LEFT + columns * (WIDTH + GAP_X)
        height = TOP + rows * (HEIGHT + GAP_Y)
        self.out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" '
                    'font-size="12">' % (width, height), '<rect width="100%" height="100%" fill="#ffffff"/>']
        self.text(LEFT, 24, title, size=16)
        for i, label in enumerate(labels):
            self.out.append('<rect x="%d" y="36" width="18" height="10" fill="%s"/>' % (LEFT + 190 * i, COLOURS[i]))
            self.text(LEFT + 190 * i + 24, 46, label)

    def text(self, x, y, text, size=12, anchor="start"):
        self.out.append('<text x="%.1f" y="%.1f" font-size="%d" text-anchor="%s">%s</text>'
                        % (x, y, size, anchor, escape(text)))

    def line(self, x1, y1, x2, y2, colour="#555555"):
        self.out.append('<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>' % (x1, y1, x2, y2, colour))

    def panel(self, column, row, title, most_y, unit):
        """Axes of one panel; returns where its corner is and how a value becomes a height."""
        x, y = LEFT + column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y)
        self.text(x, y - 6, title)
        for i in range(5):
            at = y + HEIGHT * i / 4
            self.line(x, at, x + WIDTH, at, "#dddddd")
            self.text(x - 5, at + 4, short(most_y * (4 - i) / 4) + unit, size=10, anchor="end")
        self.line(x, y, x, y + HEIGHT)
        self.line(x, y + HEIGHT, x + WIDTH, y + HEIGHT)
        return x, y, lambda value: y + HEIGHT - HEIGHT * min(value / most_y, 1)

    def lines(self, column, row, title, series, most_x, unit_x, most_y, unit_y):
        """`series`: lists of (x, y), one a label."""
        x, y, height = self.panel(column, row, title, most_y, unit_y)
        most_x = nice(most_x)
        for i in range(5):  # quarters, as above
            self.text(x + WIDTH * i / 4, y + HEIGHT + 14, "%.3g" % (most_x * i / 4), size=10, anchor="middle")
        self.text(x + WIDTH, y + HEIGHT + 28, unit_x, size=10, anchor="end")
        for i, points in enumerate(series):
            path = " ".join("%.1f,%.1f" % (x + WIDTH * px / most_x, height(py)) for px, py in points)
            self.out.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="1.8"/>' % (path, COLOURS[i]))

    def bars(self, column, row, title, groups, most_y, unit):
        """`groups`: (name, values), one value a label."""
        x, _, height = self.panel(column, row, title, nice(most_y), unit)
        step = WIDTH / len(groups)
        for g, (name, values) in enumerate(groups):
            wide = step * 0.8 / len(values)
            for i, value in enumerate(values):
                top = height(value)
                self.out.append('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>'
                                % (x + step * (g + 0.1) + wide * i, top, wide - 1, height(0) - top, COLOURS[i]))
            self.text(x + step * (g + 0.5), height(0) + 14, name, size=10, anchor="middle")

    def svg(self):
        return "\n".join(self.out + ["</svg>", ""])
