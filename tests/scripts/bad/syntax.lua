return {
    name = "syntax"
    doc = "a comma is missing above"
}
