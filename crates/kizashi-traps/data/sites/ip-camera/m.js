function ready() {
  var field = document.getElementById("password");
  if (field) field.focus();
}
