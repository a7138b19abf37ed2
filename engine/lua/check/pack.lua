-- A nested answer as one text: the driver reads a thousand small answers far slower than one long one.
-- A word is `<bytes>:<word>`, a list `*<items>:` and its items. Only lists and words: nil has no form.

local function pack_into(out, value)
  if type(value) == 'table' then
    out[#out + 1] = '*' .. #value .. ':'
    for _, item in ipairs(value) do pack_into(out, item) end
  else
    local word = tostring(value)
    out[#out + 1] = #word .. ':'
    out[#out + 1] = word
  end
end

local function pack(value)
  local out = {}
  pack_into(out, value)
  return table.concat(out)
end
